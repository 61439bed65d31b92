"""little.py -- a base that is large beside the books of a few people in it, and how many of its rows one request reads."""
from exporting import seasoned
from people import newcomer

SIZE = 20000
BOOK_SIZE = 270
MOST, HIS = 2000, 6000     # rows that a request may read; and one that looks at all that is somebody's, who has 540 customers at most
# What belongs to a request is counted before it is answered: PostgreSQL does that once a second, unless it is told to, and the clock is asked by every request.
FLUSHED = """create or replace function app.now() returns timestamptz language plpgsql stable as
    $$ begin perform pg_stat_force_next_flush(); return now() + (select ahead from app.test_clock); end $$"""
# Rows that a look at a whole table reads, and entries of indexes: a bad one is read for many entries, whatever of them is wanted.
READ = """select sum(n)::bigint from (select seq_tup_read as n, relid from pg_stat_user_tables union all select idx_tup_read, relid from pg_stat_user_indexes) s where relid = any(%s)"""
# Word by word another name, phone and e-mail; a contact of each, of every second a deal, a call and an offer.
BASE = f"""
select app.act_as(org_id, staff_id, 'customers.create') from app.login where email = 'ada@demo.test';
create temp table made as
select s.org_id, app.uuid7() as id, n, s.id as owner, t.id as stage, substr(md5('a' || n), 1, 6) || ' ' || substr(md5('b' || n), 1, 6) as name, app.now() - n * interval '1 minute' as at
from generate_series(1, {SIZE}) n
join (select s.*, row_number() over (order by email) - 1 as k from app.staff s where role = 'rep' and email !~ '^rep-' and status = 'active'
    and org_id = (select org_id from app.login where email = 'ada@demo.test')) s on k = n %% 6
join lateral (select t.id from app.stage t where t.org_id = s.org_id and t.segment_id = any(s.segments) order by t.position limit 1) t on true;
insert into app.customer (org_id, id, name, email, phone, city, country, stage, owner_id, value, currency, created_at, updated_at)
select org_id, id, name, 'info@c' || n || '.example', '+49 30 ' || 10000000 + n, 'Town ' || n %% 300, 'DE', stage, owner, n, 'EUR', at, at from made;
insert into app.contact (org_id, id, customer_id, name, email, phone, created_at, updated_at)
select org_id, app.uuid7(), id, substr(md5('c' || n), 1, 6), 'eva@c' || n || '.example', '+49 40 ' || 10000000 + n, at, at from made where n %% 2 = 0;
insert into app.deal (org_id, id, customer_id, title, stage, amount, currency, created_at, updated_at) select org_id, app.uuid7(), id, 'Deal', stage, n, 'EUR', at, at from made where n %% 2 = 0;
insert into app.activity (org_id, id, customer_id, kind, direction, subject, next_step, due_at, at, author_id, created_at, updated_at)
select org_id, app.uuid7(), id, 'call', 'out', 'Call', 'Again', at + interval '30 days', at, owner, at, at from made where n %% 2 = 0;
insert into app.offer (org_id, id, customer_id, number, revision, currency, net, tax, gross, created_at, updated_at)
select org_id, app.uuid7(), id, '2020-' || lpad(n::text, 6, '0'), 1, 'EUR', 0, 0, 0, at, at from made where n %% 2 = 0;
"""

# The same of somebody's own, with one of everything at each.
BOOK = """
select app.act_as(org_id, id, 'customers.create') from app.staff where id = '{owner}';
create temp table book as select s.org_id, app.uuid7() as id, app.uuid7() as contact, app.uuid7() as deal, app.uuid7() as activity, app.uuid7() as offer, n, s.id as owner,
    substr(md5('{owner}a' || n), 1, 8) || ' ' || substr(md5('{owner}b' || n), 1, 8) as name, app.now() - n * interval '1 hour' as at from generate_series(1, {n}) n join app.staff s on s.id = '{owner}';
insert into app.customer (org_id, id, name, email, phone, city, country, stage, owner_id, value, currency, created_at, updated_at)
select org_id, id, name, 'info@' || id || '.example', '+49 50 {k}' || 1000000 + n, 'Small Town', 'DE', 'new', owner, n, 'EUR', at, at from book;
insert into app.contact (org_id, id, customer_id, name, email, phone, created_at, updated_at)
select org_id, contact, id, substr(md5('{owner}c' || n), 1, 8), 'eva@' || id || '.example', '+49 60 {k}' || 1000000 + n, at, at from book;
insert into app.deal (org_id, id, customer_id, title, stage, amount, currency, created_at, updated_at) select org_id, deal, id, 'Deal', 'new', n, 'EUR', at, at from book;
insert into app.activity (org_id, id, customer_id, contact_id, deal_id, kind, direction, subject, at, author_id, created_at, updated_at)
select org_id, activity, id, contact, deal, 'call', 'out', 'Call', at, owner, at, at from book;
insert into app.offer (org_id, id, customer_id, number, revision, currency, lines, net, tax, gross, created_at, updated_at)
select org_id, offer, id, '20{k}-' || lpad(n::text, 6, '0'), 1, 'EUR', '[{{"description": "x", "quantity": 1, "unit_price": 1, "discount": 0, "tax": 0}}]', 0, 0, 0, at, at from book;
"""
TAKEN = "select id::text, contact::text, deal::text, activity::text, offer::text, name, 'info@' || id || '.example' as email, '+49 50 {k}' || 1000000 + n as phone from book order by n"


class Little:
    """The base, a rep with a book, his manager with another rep, and the admin; and for each of them customers to do something with."""

    def __init__(self, stack):
        self.stack = stack
        stack.unlimited()
        for text in BASE.split(";\n"):
            if text.strip():
                stack.sql(text)
        self.ada = stack.enter("ada@demo.test")
        self.boss = newcomer(stack, "manager", self.ada, segments=())
        self.rep, self.mate = (newcomer(stack, "rep", self.boss) for _ in range(2))
        self.other = newcomer(stack, "rep", self.ada)
        seasoned(stack, self.boss, self.ada)     # their accounts are old enough to decide
        self.books = {"rep": self.book(self.rep, 11), "boss": self.book(self.mate, 12), "ada": self.book(self.other, 13)}
        # Nothing but the request reads: neither PostgreSQL, nor the chores of each hour and each night.
        stack.sql("update app.chore set last_at = 'infinity'")
        stack.sql("update app.org set rotated_on = 'infinity'")
        stack.sql("alter system set autovacuum = off")
        stack.sql("select pg_reload_conf()")
        stack.sql("vacuum analyze")
        stack.sql(FLUSHED)
        # Those with many rows: what has few, as the staff, is read whole and often, and rightly.
        self.large = [t for t, in stack.sql("select oid from pg_class where relnamespace = 'app'::regnamespace and relkind = 'r' and reltuples > %s", SIZE / 4)]

    def book(self, owner, k, n=BOOK_SIZE):
        with self.stack.connect() as c, c.cursor() as q:
            q.execute(BOOK.format(owner=owner.id, k=k, n=n))
            q.execute(TAKEN.format(k=k))
            return [dict(zip((d.name for d in q.description), r)) for r in q.fetchall()]

    def read(self):
        self.stack.sql("select pg_stat_force_next_flush()")     # of what the test itself has asked until now
        return self.stack.sql(READ, self.large)[0][0]
