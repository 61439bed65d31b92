/* keys_test.c -- a key that is not a good P-256 key stops the program, never the checking. */
#include "forge.h"

/* Whether the keys load with one more public key in the folder. */
static bool
loads(struct forge *f, const char *name, const char *pem)
{
	struct tokens *loaded;

	forge_write(f, name, pem);
	loaded = tokens_load(&f->conf);
	forge_remove(f, name);
	tokens_free(loaded);
	return loaded != NULL;
}

static void
keys(void **state)
{
	struct forge *f = *state;
	struct conf wrong = f->conf;

	assert_true(loads(f, "k3.pub", f->foreign_public));
	assert_true(loads(f, "sixteen-letters-.pub", f->foreign_public));
	assert_true(loads(f, "notes.txt", ""));
	assert_false(loads(f, "seventeen-letters.pub", f->foreign_public));
	assert_false(loads(f, "K3.pub", f->foreign_public));
	assert_false(loads(f, "k3.pub", ""));
	assert_false(loads(f, "k3.pub", "k"));
	assert_false(loads(f, "k3.pub", FORGE_128 FORGE_128));
	assert_false(loads(f, "k3.pub", f->foreign_private));
	assert_false(loads(f, "k3.pub", f->p384));
	assert_false(loads(f, "k3.pub", f->secp256k1));
	assert_false(loads(f, "k3.pub", f->rsa));
	wrong.keys = "/nonexistent";
	assert_null(tokens_load(&wrong));
	wrong = f->conf;
	wrong.signing_key = "/nonexistent/k1.pem";
	assert_null(tokens_load(&wrong));
	/* The private half of another key than k1.pub. */
	assert_int_equal(mkdir(forge_path(f, "other"), 0700), 0);
	forge_write(f, "other/k1.pem", f->foreign_private);
	wrong.signing_key = forge_path(f, "other/k1.pem");
	assert_null(tokens_load(&wrong));
	/* A public key does not sign. */
	forge_write(f, "other/k1.pem", f->foreign_public);
	assert_null(tokens_load(&wrong));
	forge_remove(f, "other/k1.pem");
	forge_remove(f, "other");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keys)};

	return cmocka_run_group_tests(tests, forge_open, forge_close);
}
