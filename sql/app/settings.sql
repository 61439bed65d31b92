-- settings.sql: how an org works.

create or replace trigger _200_touch before update on app.settings
    for each row when (old.visibility is distinct from new.visibility or old.contact_masking is distinct from new.contact_masking
        or old.classification is distinct from new.classification or old.backdate_days is distinct from new.backdate_days
        or old.budgets is distinct from new.budgets or old.ledger_months is distinct from new.ledger_months
        or old.notify is distinct from new.notify or old.exports is distinct from new.exports or old.bulk is distinct from new.bulk
        or old.rotation is distinct from new.rotation
        or old.webhook_secret is distinct from new.webhook_secret) execute function app.tg_touch();

do $$ begin perform app.track('app.settings', 'settings'); end $$;
