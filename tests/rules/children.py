"""children.py -- what can be done with the contacts, deals, activities and offers of a customer: as actions.py has it. Each customer
of the scene has two of each kind: one to read and change, one to archive; and offers to send, to revise and to decide on."""
from psycopg2.extras import Json

from asks import Action, Ask, post, undo

ANY = {"If-Match": "*"}
KINDS = {"contacts": "contact", "deals": "deal", "activities": "activity", "offers": "offer"}
OFFERS = ["offer3", "offer4", "offer5", "offer6"]     # a draft, and three that were sent
IDS = [kind + n for kind in KINDS.values() for n in ("", "2")] + OFFERS
EDITS = {"contact": {"title": "Boss"}, "deal": {"notes": "Changed."}, "activity": {"next_step": "Call."}, "offer": {"notes": "Changed."}}


def rows(c, kind):
    """All pages of the list, and of them the row of this customer's."""
    return Ask("GET", "/" + kind, None, page=(kind, c.archived, "-updated_at", getattr(c, KINDS[kind])))


def found(c, kind, **filter):
    one = {k: v if k in ("phone", "email") else [v] for k, v in filter.items()}
    params = dict(filter, archived=c.archived and "true")
    return Ask("GET", "/" + kind, dict(filter=Json(one), archived=c.archived, fields=None, sort="-updated_at", cursor=None, lim=50, count=None),
               {k: v for k, v in params.items() if v})


def counted(c, kind, **filter):
    ask = found(c, kind, **filter)
    return ask._replace(args=dict(ask.args, fields=["id"], count="exact"), params=dict(ask.params, fields="id", count="exact"))


def one(c, kind, method="GET", as_of=None, **headers):
    id_, tags = getattr(c, KINDS[kind]), ["*"] if headers else None
    return Ask(method, f"/{kind}/{id_}", dict(id=id_, as_of=as_of, if_none_match=tags), as_of and {"as_of": as_of}, None, headers)


def changes(c, kind):
    id_ = getattr(c, KINDS[kind])
    return Ask("GET", "/history", dict(filter=Json({"record": [id_]}), cursor=None, lim=50), {"record": id_})


def new(c, kind):
    more = {"contacts": {"name": "New"}, "deals": {"title": "New"}, "activities": {"kind": "note"}, "offers": {"currency": "EUR"}}[kind]
    return post("/" + kind, dict(more, customer_id=c.id), retry=None)


def edit(c, kind):
    id_, body = getattr(c, KINDS[kind]), EDITS[KINDS[kind]]
    return Ask("PATCH", f"/{kind}/{id_}", dict(id=id_, if_match=["*"], body=Json(body)), None, body, ANY)


def away(c, kind):
    id_ = getattr(c, KINDS[kind] + "2")
    return Ask("DELETE", f"/{kind}/{id_}", dict(id=id_, if_match=["*"]), headers=ANY)


def word(offer, verb, body, **args):
    return post(f"/offers/{offer}/{verb}", body, id=offer, retry=None, **args)._replace(headers=ANY if args else None)


CHILDREN = {
    "k.list": Action("contact_list", 200, 200, lambda c, w: [rows(c, "contacts")]),
    "k.of": Action("contact_list", 200, 200, lambda c, w: [found(c, "contacts", customer=c.id)]),
    "k.mail": Action("contact_list", 200, 200, lambda c, w: [found(c, "contacts", email=c.email.upper())]),
    "k.count": Action("contact_list", 200, 200, lambda c, w: [counted(c, "contacts", email=c.email)], "id"),
    "k.get": Action("contact_get", 200, 404, lambda c, w: [one(c, "contacts")]),
    "k.past": Action("contact_get", 200, 404, lambda c, w: [one(c, "contacts", as_of=c.born)]),
    "k.304": Action("contact_get", 304, 404, lambda c, w: [one(c, "contacts", **{"If-None-Match": "*"})]),
    "k.hist": Action("history_list", 200, 200, lambda c, w: [changes(c, "contacts")]),
    "d.list": Action("deal_list", 200, 200, lambda c, w: [rows(c, "deals")], "id"),
    "d.of": Action("deal_list", 200, 200, lambda c, w: [found(c, "deals", customer=c.id)], "id"),
    "d.get": Action("deal_get", 200, 404, lambda c, w: [one(c, "deals")], "id"),
    "a.list": Action("activity_list", 200, 200, lambda c, w: [rows(c, "activities")], "id"),
    "a.of": Action("activity_list", 200, 200, lambda c, w: [found(c, "activities", customer=c.id)], "id"),
    "a.get": Action("activity_get", 200, 404, lambda c, w: [one(c, "activities")], "id"),
    "k.new": Action("contact_create", 201, 404, lambda c, w: [new(c, "contacts")], "id", True),
    "k.edit": Action("contact_change", 200, 404, lambda c, w: [edit(c, "contacts")], "clear", True, "contact"),
    "k.away": Action("contact_archive", 200, 404, lambda c, w: [away(c, "contacts")], "clear", True, "contact2"),
    "k.undo": Action("operation_undo", 201, 404, lambda c, w: [undo(c.noted)], "nothing", True, "contact"),
    "d.new": Action("deal_create", 201, 404, lambda c, w: [new(c, "deals")], "id", True),
    "d.edit": Action("deal_change", 200, 404, lambda c, w: [edit(c, "deals")], "id", True, "deal"),
    "d.away": Action("deal_archive", 200, 404, lambda c, w: [away(c, "deals")], "id", True, "deal2"),
    "a.new": Action("activity_create", 201, 404, lambda c, w: [new(c, "activities")], "id", True),
    "a.edit": Action("activity_change", 200, 404, lambda c, w: [edit(c, "activities")], "id", True, "activity"),
    "a.away": Action("activity_archive", 200, 404, lambda c, w: [away(c, "activities")], "id", True, "activity2"),
    "o.list": Action("offer_list", 200, 200, lambda c, w: [rows(c, "offers")], "id"),
    "o.of": Action("offer_list", 200, 200, lambda c, w: [found(c, "offers", customer=c.id)], "id"),
    "o.get": Action("offer_get", 200, 404, lambda c, w: [one(c, "offers")], "id"),
    "o.new": Action("offer_create", 201, 404, lambda c, w: [new(c, "offers")], "id", True),
    "o.edit": Action("offer_change", 200, 404, lambda c, w: [edit(c, "offers")], "id", True, "offer"),
    "o.away": Action("offer_archive", 200, 404, lambda c, w: [away(c, "offers")], "id", True, "offer2"),
    "o.send": Action("offer_send", 200, 404, lambda c, w: [word(c.offer3, "send", {}, if_match=["*"])], "id", True, "offer3"),
    "o.next": Action("offer_revise", 201, 404, lambda c, w: [word(c.offer4, "revise", {})], "id", True),
    "o.yes": Action("offer_accept", 200, 404, lambda c, w: [word(c.offer5, "accept", {"reason": "Good."})], "id", True, "offer5"),
    "o.no": Action("offer_decline", 200, 404, lambda c, w: [word(c.offer6, "decline", {"reason": "Dear."})], "id", True, "offer6"),
}
