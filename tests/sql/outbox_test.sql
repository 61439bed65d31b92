-- outbox_test.sql: what leaves the house, by SQL: who is named, what may leave, whose a lease is, and who reads the secret.
begin;
select no_plan();
\ir people.sql

-- Settings that no form of C would let through.
create function test.set(wishes jsonb) returns text language plpgsql as $$
declare
    wrong text;
begin
    update app.settings s set notify = wishes, webhook_secret = repeat('s', 32) where s.org_id = 1;
    return 'ok';
exception when check_violation then
    get stacked diagnostics wrong = constraint_name;
    return wrong;
end
$$;
select is(test.set(v.notify), v.due, left(v.notify::text, 100)) from (values
    ('{}'::jsonb, 'ok'), ('[]', 'notify_shape'), ('1', 'notify_shape'), ('null', 'notify_shape'), ('{"more": 1}', 'notify_shape'), ('{"allow_private": 1}', 'notify_shape'), ('{"allow_private": true}', 'ok'),
    ('{"webhooks": {}}', 'notify_shape'), ('{"webhooks": [1]}', 'notify_shape'), ('{"webhooks": [{}]}', 'notify_shape'), ('{"webhooks": [{"url": 5}]}', 'notify_shape'), ('{"webhooks": [{"url": null}]}', 'notify_shape'),
    ('{"webhooks": [{"url": "https://x.test"}, {"url": "x"}]}', 'notify_shape'), ('{"webhooks": [{"url": "https://x.test\n"}]}', 'notify_shape'), ('{"webhooks": [{"url": "x\nhttps://x.test"}]}', 'notify_shape'),
    ('{"webhooks": [{"url": "https://x.test", "severity": 5}]}', 'notify_shape'), ('{"webhooks": [{"url": "https://x.test", "severity": null}]}', 'notify_shape'), ('{"emails": [{"email": "a@b.test", "severity": "x"}]}', 'notify_shape'),
    ('{"emails": [{"email": "a@b.test", "kinds": [5]}]}', 'notify_shape'), ('{"emails": [{"email": "a@b.test", "kinds": ["a.b", "c"]}]}', 'notify_shape'), ('{"emails": [{"email": "a@b.test", "kinds": ["a.b"], "severity": "low"}]}', 'ok'),
    ('{"emails": [{"email": "a@b.test\r\nBcc: x@y.test"}]}', 'notify_shape'), ('{"emails": [{"email": ["a@b.test"]}]}', 'ok'),
    (jsonb_build_object('emails', (select jsonb_agg('{"email": "a@b.test"}'::jsonb) from generate_series(1, 6))), 'notify_count'),
    (jsonb_build_object('webhooks', jsonb_build_array(jsonb_build_object('url', 'https://x.test/' || repeat('x', 9000)))), 'notify_size')) v(notify, due);
do $do$ begin perform test.set('{"webhooks": [{"url": "https://x.test"}]}'); end $do$;
select throws_ok($$update app.settings set webhook_secret = null where org_id = 1$$, '23514');
select throws_ok($$update app.settings set webhook_secret = 'short' where org_id = 1$$, '23514');

-- Nobody reads the secret: not the logins, and of the api only what answers with api.settings.
select is_empty($$select attname from pg_attribute where attrelid = 'api.settings'::regclass and attname ~ 'secret'$$, 'no answer has the secret');
select is(test.state(p.name, $$select webhook_secret from app.settings$$), '42501', p.name || ' cannot ask for it') from test.person p where p.name in ('ada', 'rita');

-- What is due is taken by one, for a minute; who is believed is whoever took it.
do $do$ begin perform test.set('{"webhooks": [{"url": "https://x.test"}]}'); end $do$;
create function test.tell(subject jsonb default '{}') returns void language sql as $$
    select set_config('app.org', '1', true); select app.notify('alert.raised', subject) $$;
select throws_ok($$select set_config('app.org', '', true), app.notify('alert.raised', '{}')$$, 'P0002');
do $do$ begin perform test.tell(), test.tell(); end $do$;
create temp table took as select * from app.outbox_take(1);
insert into took select * from app.outbox_take(1);
select is((select count(*)::int from took), 2, 'each is taken once');
select is_empty($$select from app.outbox_take(9)$$, 'and by nobody else');
select is_empty($$select from took where signature <> 'v1=' || encode(public.hmac(stamp || '.' || id || '.' || body, repeat('s', 32), 'sha256'), 'hex')$$, 'it is signed');
select is_empty($$select from took t where to_jsonb(t)::text ~ repeat('s', 32)$$, 'and the secret stayed');
create function test.done(d uuid, lease uuid, status int, error text default null) returns int language sql as $$
    select app.outbox_done(lease, jsonb_build_array(jsonb_build_object('org', 1, 'delivery', d, 'status', status, 'error', error))) $$;
select is(test.done(t.delivery, gen_random_uuid(), 200), 0, 'a lease that is none') from took t;
select is(test.done(t.delivery, o.lease, 200), 0, 'the lease of another one') from took t, took o where o.delivery <> t.delivery;
select is(test.done(t.delivery, t.lease, 500), 1, 'its own') from took t;
select is(test.done(t.delivery, t.lease, 200), 0, 'once') from took t;
select is((select count(*)::int from app.delivery where status = 'queued' and next_at = app.now() + interval '1 min' and last_error = 'bad_status' and lease is null), 2, 'queued again');
select is((select count(*)::int from app.delivery_attempt where status = 500 and error = 'bad_status'), 2, 'and remembered');

-- A try that was never heard of counts, so what kills its sender is not sent for ever.
update app.delivery set attempts = 8, next_at = app.now();
select is_empty($$select from app.outbox_take(9)$$, 'nothing is tried nine times');
select is((select count(*)::int from app.delivery where status = 'failed' and last_error = 'interrupted'), 2, 'those are given up');

-- What will be the same next time is not tried again.
do $do$ begin perform test.tell(); end $do$;
select is(test.done(t.delivery, t.lease, 0, 'private_address'), 1) from app.outbox_take(9) t;
select is((select status || coalesce(last_status::text, '') || last_error from app.delivery order by id desc limit 1), 'failedprivate_address', 'a private address');
select is(array(select app.delivery_wait(n) from generate_series(1, 8) n)::text, '{00:01:00,00:05:00,00:30:00,02:00:00,06:00:00,12:00:00,12:00:00,NULL}', 'eight tries');

-- First tries come before repeated ones.
do $do$ begin perform test.tell(); end $do$;
update app.delivery set status = 'queued', attempts = 3, next_at = app.now() - interval '1 day' where status = 'failed';
select is((select attempts from app.delivery d join app.outbox_take(1) t on t.delivery = d.id), 0, 'a new one first; d is as it was before');

-- What was raised by a read waits for the disk all the same.
set local synchronous_commit = on;
set local app.durability = '';
do $do$ begin perform app.wait_for_disk(false); end $do$;
select is(current_setting('synchronous_commit'), 'off', 'a read does not wait');
do $do$ begin perform test.tell(); end $do$;
select is(current_setting('synchronous_commit'), 'on', 'a message does');

select * from finish();
rollback;
