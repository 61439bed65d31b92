"""What the programs say of themselves: the description, the settings, and whether the database agrees."""
import glob
import json
import os
import re
import subprocess

import pytest
import requests

from holdfast import BUILD, ROOT, Client, Stack, problem

PROGRAMS = sorted(glob.glob(os.path.join(BUILD, "cgi", "*")))
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ID = "0190c7a2-0000-7000-8000-00000000000a"


def part(program):
    """The paths of one program, as it prints them."""
    said = subprocess.run([program, "--openapi"], check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads("{" + said + "}")


PATHS = {path: operations for program in PROGRAMS for path, operations in part(program).items()}
OPERATIONS = [(path, method) for path, operations in sorted(PATHS.items()) for method in sorted(operations)]


def filled(path):
    """A template with an id in each place, below /v1 as Client has it."""
    return re.sub(r"{[^}]*}", ID, path).removeprefix("/v1")


def body_schema(operation):
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})


def members(schema, where=""):
    """Every member of a body, with those of the objects in it."""
    for name, member in schema.get("properties", {}).items():
        yield where + "/" + name, member
        for inner in member["allOf"]:
            yield from members(inner, where + "/" + name)
            yield from members(inner.get("items", {}), where + "/" + name)
            for form in inner.get("items", {}).get("oneOf", []):
                yield from members(form, where + "/" + name)


def sentence(text):
    return isinstance(text, str) and len(text) > 3 and text.endswith(".") and text == text.strip()


def check_schema(schema, where):
    assert schema["type"] in ("string", "integer", "number", "boolean", "object", "array"), where
    if schema["type"] == "array":
        assert schema["maxItems"] >= 1, where
        check_schema(schema["items"], where)
    if schema["type"] in ("integer", "number"):
        assert schema["minimum"] <= schema["maximum"], where
        assert schema["minimum"] <= schema.get("default", schema["minimum"]) <= schema["maximum"], where
    if schema["type"] == "number":
        assert 0 < schema["multipleOf"] <= 1, where
    if "maxLength" in schema:
        assert 0 <= schema["minLength"] <= schema["maxLength"] >= 1, where
    if "enum" in schema:
        assert schema["enum"] and all(schema["enum"]) and len(set(schema["enum"])) == len(schema["enum"]), where
        assert schema.get("default", schema["enum"][0]) in schema["enum"], where
    if schema["type"] == "boolean":
        assert isinstance(schema.get("default", False), bool), where


@pytest.fixture(scope="module")
def document(stack):
    answer = Client(stack).get("/openapi.json")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_served_at_both_places(stack, document):
    assert requests.get(stack.url + "/v1/openapi.json", timeout=30).json() == document
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == stack.sql("select app.version()")[0][0]
    assert document["info"]["title"] and sentence(document["info"]["description"])


def test_every_route_and_no_other(document):
    assert len(PROGRAMS) >= 6 and len(OPERATIONS) >= 20
    assert sum(len(part(program)) for program in PROGRAMS) == len(PATHS), "two programs have the same path"
    assert document["paths"] == PATHS


def test_every_sentence(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert sentence(operation["summary"]), where
            for parameter in operation["parameters"]:
                assert sentence(parameter["description"]), f"{where} {parameter['name']}"
            for pointer, member in members(body_schema(operation)):
                assert sentence(member["description"]), f"{where} {pointer}"


def test_every_schema(document):
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            keys = [(p["in"], p["name"]) for p in operation["parameters"]]
            assert len(set(keys)) == len(keys), where
            assert {n for i, n in keys if i == "path"} == set(re.findall(r"{([^}]*)}", path)), where
            for parameter in operation["parameters"]:
                assert parameter["in"] in ("path", "query", "header"), where
                assert parameter["required"] is True or parameter["in"] != "path", where
                check_schema(parameter["schema"], f"{where} {parameter['name']}")
            for pointer, member in members(body_schema(operation)):
                check_schema(member["allOf"][0], f"{where} {pointer}")
            body = body_schema(operation)
            assert not body or (body["additionalProperties"] is False and set(body["required"]) <= set(body["properties"]))
            first, *rest = operation["responses"]
            assert re.fullmatch("20[0124]", first) and rest == ["default"], where
            reference = operation["responses"]["default"]["$ref"]
            assert reference == "#/components/responses/problem" and "problem" in document["components"]["responses"]


@pytest.mark.parametrize("path,method", OPERATIONS)
def test_documented_is_there(nobody, path, method):
    """Without a token: 401 comes behind 404 and 405, so it says that the route is there."""
    answer = nobody.request(method.upper(), filled(path))
    if PATHS[path][method].get("security") == []:
        assert answer.status_code not in (401, 404, 405, 501, 502), answer.text
    else:
        problem(answer, 401, "token_missing")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_undocumented_is_not(nobody, rita, path):
    # What is a path of its own may look like an id too.
    allowed = {m.upper() for m in PATHS[path]}
    allowed |= {"HEAD"} if "GET" in allowed else set()
    for method in METHODS:
        if method in allowed:
            continue
        for who in (nobody, rita):
            answer = who.request(method, filled(path))
            assert answer.status_code == 405, f"{method} {path}: {answer.status_code}"
            assert answer.headers["Content-Type"] == "application/problem+json"
            told = answer.headers["Allow"].split(", ")
            assert set(told) == allowed and len(told) == len(allowed), f"{method} {path}"


def test_no_other_path(nobody, rita):
    templates = [re.compile(re.sub(r"{[^}]*}", "[^/]+", path)) for path in PATHS]
    for path in map(filled, sorted(PATHS)):
        for other in (path + "/", path + "/zip", path.upper(), path + "%2f", path[:-1]):
            if not any(template.fullmatch("/v1" + other) for template in templates):
                for who in (nobody, rita):
                    problem(who.get(other), 404, "not_found")


@pytest.mark.parametrize("program", PROGRAMS, ids=os.path.basename)
def test_settings_are_documented(program):
    said = subprocess.run([program, "--settings"], check=True, text=True, stdout=subprocess.PIPE, env={}).stdout
    with open(os.path.join(ROOT, "conf/holdfast.env")) as file:
        assert said == file.read()


@pytest.fixture(scope="module")
def scratch():
    """Its own, because its functions are changed."""
    with Stack(seed="none") as running:
        yield running


def check(stack, program):
    """program --check: its exit status, and the lines it logged."""
    keys = os.path.join(stack.state, "keys")
    login = "holdfast_sessions" if program == "sessions" else "holdfast_cgi"
    env = {"HOLDFAST_DATABASE": f"host={stack.socket} dbname=holdfast user={login}",
           "HOLDFAST_KEYS": keys + "/public", "HOLDFAST_CURSOR_KEY": keys + "/cursor.key",
           "HOLDFAST_SIGNING_KEY": keys + "/k1.pem", "HOLDFAST_SESSION_KEY": keys + "/session.key"}
    done = subprocess.run([os.path.join(BUILD, "cgi", program), "--check"], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.stdout == ""
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


@pytest.mark.parametrize("program", PROGRAMS, ids=os.path.basename)
def test_check_agrees(scratch, program):
    assert check(scratch, os.path.basename(program)) == (0, [])


def run(stack, text):
    """SQL as it stands, with its % signs."""
    c = stack.connect()
    try:
        with c.cursor() as q:
            q.execute(text)
    finally:
        c.close()


def definition(stack, function):
    return stack.sql("select oid::regprocedure::text, pg_get_functiondef(oid) from pg_proc"
                     " where pronamespace = 'api'::regnamespace and proname = %s", function)[0]


def test_check_names_a_missing_function(scratch):
    signature, _ = definition(scratch, "customer_get")
    scratch.sql(f"alter function {signature} rename to customer_got")
    try:
        status, lines = check(scratch, "customers")
    finally:
        scratch.sql(f"alter function {signature.replace('customer_get', 'customer_got')} rename to customer_get")
    assert status == 111
    assert [(x["event"], x["method"], x["path"], x["function"]) for x in lines] == \
        [("route_wrong", "GET", "/v1/customers/:id", "customer_get")]
    assert "does not exist" in lines[0]["why"]
    assert check(scratch, "customers") == (0, [])


@pytest.mark.parametrize("program,function,before,after,wrong", [
    ("customers", "customer_list", "lim integer", "lim text", ("lim", "integer bigint", "text")),
    ("customers", "customer_change", "if_match text[]", "if_match text", ("if_match", "text[]", "text")),
    ("restores", "restore_get", "id uuid", "id text", ("id", "uuid", "text"))])
def test_check_names_another_type(scratch, program, function, before, after, wrong):
    signature, text = definition(scratch, function)
    assert before in text
    scratch.sql(f"drop function {signature}")
    try:
        run(scratch, text.replace(before, after, 1))
        status, lines = check(scratch, program)
    finally:
        for changed, in scratch.sql("select oid::regprocedure::text from pg_proc"
                                    " where pronamespace = 'api'::regnamespace and proname = %s", function):
            scratch.sql(f"drop function {changed}")
        run(scratch, text)
    assert status == 111
    assert [(x["event"], x["function"], x["argument"], x["declared"], x["is"]) for x in lines] == \
        [("route_wrong", function, *wrong)]
    assert check(scratch, program) == (0, [])


def test_check_without_a_database(scratch, tmp_path):
    class Nowhere:
        state, socket = scratch.state, str(tmp_path)
    status, lines = check(Nowhere, "health")
    assert status == 111 and "route_wrong" in [x["event"] for x in lines]
