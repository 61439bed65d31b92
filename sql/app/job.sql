-- job.sql: work that goes on after the answer, as rows taken with SKIP LOCKED.

-- Takes the waiting job of a program whose turn it is (a large one lets the others pass between its pieces, and so
-- does one that waits for a lock) and enters as the one who asked for it, with his present rights; via is the history's word for
-- what he changes so. Returns its id, or null when nothing waits. The row stays locked until the end of the transaction. A job of
-- somebody who may no longer act is cancelled.
create or replace function app.job_enter(program text, via text) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
declare
    j record;
begin
    loop
        select * into j from app.job t
        where t.program = job_enter.program and t.status in ('queued', 'running')
        order by t.tried_at nulls first, t.created_at limit 1 for update skip locked;
        if not found then
            return null;
        end if;
        exit when app.act_as(j.org_id, j.staff_id, program || '.create', via, j.session_id, j.request_id);
        update app.job t set status = 'cancelled', why = 'requester_left', finished_at = app.now()
        where t.org_id = j.org_id and t.id = j.id;
    end loop;
    update app.job t set tried_at = app.clock() where t.org_id = j.org_id and t.id = j.id;
    return j.id;
end
$$;
alter function app.job_enter owner to holdfast_owner;

-- How much there is to do; a job's total is written once, by the one who asks for it.
create or replace function app.job_total(job uuid, total int) returns void
language sql volatile security definer set search_path = pg_catalog, app, pg_temp as $$
    update app.job j set total = job_total.total where j.org_id = app.org() and j.id = job
$$;
alter function app.job_total owner to holdfast_owner;
