"""test_upgrade.py -- a database of 0.2.0 with people and customers in it becomes one of today."""
import os
import shutil
import subprocess

import psycopg2

from holdfast import ROOT

OLD = "0003"   # the last migration of 0.2.0

FILLED = """
insert into app.org (org_id, name, created_at) values (1, 'Old', now());
insert into app.settings (org_id, id, created_at, updated_at) values (1, gen_random_uuid(), now(), now());
insert into app.funnel (org_id, id, segments, created_at, updated_at)
values (1, gen_random_uuid(), '[{"id": "s", "name": "S", "rule": "manual", "hides": [], "stages": [{"id": "a", "name": "A"}]}]', now(), now());
insert into app.segment (org_id, id, name, position) values (1, 's', 'S', 1);
insert into app.stage (org_id, id, name, segment_id, position) values (1, 'a', 'A', 's', 1);
insert into app.customer (org_id, id, name, phone, country, email, stage, segment, worked_in, created_at, updated_at)
select 1, gen_random_uuid(), n.name, n.phone, n.country, n.email, 'a', 's', '{s}', now(), now()
from (values ('Müller GmbH', '0049 30 1234567', null, 'A@b.example'), ('Adler', '030 7654321', 'DE', null), ('Odd', 'call me', null, 'x@y'), ('None', null, null, null)) n(name, phone, country, email);
insert into app.history (org_id, id, operation_id, entity, record_id, version, new, via, at)
select 1, gen_random_uuid(), gen_random_uuid(), 'settings', s.id, 1, jsonb_build_object('id', s.id, 'visibility', 'own', 'contact_masking', 'lists',
    'classification', 'Confidential', 'created_at', to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'sql', now() from app.settings s;
insert into app.history (org_id, id, operation_id, entity, record_id, version, new, via, at)
select 1, gen_random_uuid(), gen_random_uuid(), 'funnel', f.id, 1, jsonb_build_object('id', f.id, 'segments', f.segments,
    'created_at', to_char(f.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'sql', now() from app.funnel f;
insert into app.restore_conflict select 1, r.id, 'customers', c.id, 'city', null, null, null, 'changed_since'
from app.customer c, (select gen_random_uuid() as id) r where false;
"""


def apply(sql, dsn):
    done = subprocess.run([os.path.join(sql, "apply"), dsn], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_filled_database_of_the_version_before(stack, tmp_path):
    stack.sql("create database older")
    dsn = f"host={stack.socket} dbname=older user=postgres"
    old = shutil.copytree(os.path.join(ROOT, "sql"), tmp_path / "sql")
    later = [m for m in os.listdir(old / "migrations") if m[:4] > OLD]
    assert later
    for m in later:
        os.unlink(old / "migrations" / m)
    (old / "load.sql").write_text("select 1;\n")
    try:
        assert "migration 0003" in apply(str(old), dsn)
        with psycopg2.connect(dsn) as c, c.cursor() as q:
            q.execute("alter table app.customer disable trigger user")
            q.execute(FILLED)
            q.execute("alter table app.customer enable trigger user")
        said = apply(os.path.join(ROOT, "sql"), dsn)
        assert all("migration " + m[:-4] in said for m in later) and "load.sql" in said
        with psycopg2.connect(dsn) as c, c.cursor() as q:
            with open(os.path.join(ROOT, "tests/sql/fold.sql")) as file:
                q.execute(file.read())
            q.execute("select name, phone_e164, phone_key, email_key, dup_key from app.customer order by name")
            assert q.fetchall() == [("Adler", "+49307654321", "+49307654321", None, "adler"), ("Müller GmbH", "+49301234567", "+49301234567", None, "muller"),
                                    ("None", None, None, None, "none"), ("Odd", None, None, None, "odd")]
            q.execute("select distinct word from app.search_word where word like 'mul%'")
            assert q.fetchall() == [("muller",)]
            q.execute("select * from app.test_fold_differences() t where t::text like '%settings%' or t::text like '%funnel%'")
            assert q.fetchall() == []
            q.execute("select relname from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity) "
                      "and relname not in ('migration', 'loaded')")
            assert q.fetchall() == []
            q.execute("update app.settings set backdate_days = 30")
            q.execute("select old, new from app.history where field = 'backdate_days' order by id desc limit 1")
            assert q.fetchall() == [(7, 30)]
        assert "nothing to load" in apply(os.path.join(ROOT, "sql"), dsn)
    finally:
        stack.sql("drop database older with (force)")
