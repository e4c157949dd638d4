/* The rep's book, a part of satchel.h, which includes it: what people who sell do, each as one call.
 *
 * All of it is made of ordinary records, which any other client could have written, and goes through transactions: what
 * a call does is there altogether or not at all. */
#ifndef SATCHEL_BOOK_H
#define SATCHEL_BOOK_H

/* ---- Names ---- */

/* The id of a record of `type` as a person names it: by its id, which is given back as it is; by six or more
 * hexadecimal digits that only its id begins with; or by what it is called (a name, a number, a SKU), exactly, else
 * whatever the case, else, of accounts, contacts, leads, opportunities and tasks, by a part of that which only its name
 * has, of two characters or more. not_found; invalid, and the message lists those that it may mean; locked (the lease
 * has lapsed). */
SATCHEL_API int satchel_named(struct satchel *satchel, const char *type, const char *named,
                              char id_out[SATCHEL_ID_SIZE]);

/* ---- States ----
 *
 * Leads, opportunities, visits, plans, orders, complaints, approvals, quotes and tasks are in a state, which follows
 * from the steps that were taken, each a record (`state_event`), whatever the order in which they come together. Steps
 * that were taken side by side, and of which none overtakes the other, leave the record disputed: it counts nowhere
 * until somebody settles it, who may. */

/* Takes a step, in the transaction: records `type` `id` to be in the state `to` from now on. It sees the steps that are
 * here and those of the transaction; the record may be one that the transaction makes. `reason` (may be NULL): needed
 * where the move leads back, or opens again what was closed. `id_out` (may be NULL) receives the step's id; "" where
 * nothing is written, as that is the state already. A record that is disputed is settled so, by one of the states that
 * stand side by side. What satchel_order_move() and satchel_approve() ask for first, and bring along, this does, too.
 * invalid (no such state, no such move, no reason; the message lists the moves that there are; something is missing),
 * denied (somebody else's to do: who, the message says), not_found (no such record). */
SATCHEL_API int satchel_step(struct satchel_tx *tx, const char *type, const char *id, const char *to,
                             const char *reason, char id_out[SATCHEL_ID_SIZE]);

/* How a record stands, one JSON object:
 *   type, id, state     of a disputed one the state that is shown
 *   disputed            the states that stand side by side; null: it is not disputed
 *   asked               states that somebody wanted and that do not count: overtaken by what came about beside them (an
 *                       order that was cancelled when it was on its way), or somebody else's to say
 *   written_after       fields that were written after it was closed (a complaint); [] for what is open
 *   moves               [{"to","kind","who","yours","needs":[…]}]: kind is "on", "back", "end", "again" or "settle";
 *                       yours: this person may; needs: "reason", and fields that are still empty
 *   steps               [{"to","at","by","from","reason","state"}], the oldest first: state is "counts", "waits" (for
 *                       one that is not here), "asks" (somebody else's to take), "illegal" (no such move)
 *                       or "elsewhere" (in another territory than the record: it counts for nothing) */
SATCHEL_API int satchel_state(struct satchel *satchel, const char *type, const char *id, char **json);

/* ---- Visits ----
 *
 * A visit is planned, prepared, begun, finished, submitted; each call is one transaction. Accounts, plans and visits
 * are named by id, by six or more hexadecimal digits that only theirs begins with, or by the account's name. What is
 * told back, as *json, is for satchel_free(). */

struct satchel_plan_options {
    const char *purpose; /* NULL: none, or as it is */
    const char *person;  /* whose visit; NULL: one's own */
    int64_t seq;         /* its place among the day's; 0: the last, or as it is */
};
/* Plans a visit of an account for a day, or changes the purpose and the place of one that is planned: whoever plans it,
 * on whatever device, it is one plan for each account, person and day. {"plan","account","on","state"}. invalid. */
SATCHEL_API int satchel_visit_plan(struct satchel *satchel, const char *account, const char *on,
                                   const struct satchel_plan_options *options, char **json);
/* Says that it does not take place, and why. `plan` may be the account's name: then of one's own plans of the day `on`
 * (NULL: today). invalid (no reason, it is done already), not_found. */
SATCHEL_API int satchel_visit_skip(struct satchel *satchel, const char *plan, const char *on, const char *reason,
                                   char **json);
/* Moves it to the day `to`: the plan says that it was moved, and another one is made, of the same purpose. `reason` may
 * be NULL. {…,"moved": the former plan}. */
SATCHEL_API int satchel_visit_move(struct satchel *satchel, const char *plan, const char *on, const char *to,
                                   const char *reason, char **json);

/* What speaks for somebody being there: beside it time, time since the machine was started, and its boot are noted. */
struct satchel_check {
    int positioned; /* 1: lat_e7 and lon_e7 say something: degrees, times ten million */
    int64_t lat_e7, lon_e7;
    int64_t accuracy_m;   /* -1: not said */
    int mock;             /* 1: the device says that its position is made up */
    const char *provider; /* NULL: not said */
};
struct satchel_visit_options {
    /* {"KEY": text, or a list of texts}; NULL: nothing. goal, purpose, note; the six parts (preparation, opening,
     * needs, value, objections, plan, or as the organisation's template calls them); next ("[YYYY-MM-DD] TEXT": a next
     * step, by when); none (why there is no next step); contact, signal; date; ext.KEY; items of the checklist. */
    const char *said;
    const struct satchel_check *check; /* NULL: nothing but the time is noted */
};
/* Notes what is prepared for a visit of today, and shows what one should know. */
SATCHEL_API int satchel_visit_prepare(struct satchel *satchel, const char *account,
                                      const struct satchel_visit_options *options, char **json);
/* Checks in: a visit on today's plan if there is one, else one without a plan. The preparation is as it is from then
 * on. The answer of these and the next ones: the visit as satchel_visits() tells it, with
 * "unanswered":[{"key","text"}], what its template makes mandatory and nobody has said; of these two also
 * "checklist":[{"key","text","mandatory","done"}] and
 * "briefing":{"visits","orders","receivables","complaints","needs","people"}. "ask_day", where it is there: the
 * device's clock is off by so much that a person has to say which day it is (`date`). Nothing of it refuses anything.
 * invalid: one is checked in there already. */
SATCHEL_API int satchel_visit_start(struct satchel *satchel, const char *account,
                                    const struct satchel_visit_options *options, char **json);
/* Adds to what is said of a visit that is not submitted. `visit` NULL: the only one that is under way. */
SATCHEL_API int satchel_visit_note(struct satchel *satchel, const char *visit,
                                   const struct satchel_visit_options *options, char **json);
/* Checks out. */
SATCHEL_API int satchel_visit_finish(struct satchel *satchel, const char *visit,
                                     const struct satchel_visit_options *options, char **json);
/* Submits it: what it says is amended from then on, never edited. Its next steps become tasks, once, whoever submits;
 * its plan is done; the account's last contact is moved on. invalid: there is neither a next step nor a reason for
 * none. */
SATCHEL_API int satchel_visit_submit(struct satchel *satchel, const char *visit,
                                     const struct satchel_visit_options *options, char **json);
/* Says what is right instead of what was submitted, and why; the record stays as it is. `changes`: {"FIELD": value}, of
 * a map FIELD.KEY. Of any type that is submitted; a row for each: {"amendment","about","field","old_value","new_value",
 * "reason","at","person"}, without an old value where that is masked. invalid (not submitted; no reason; a field that
 * is edited as ever); denied (what finance amends). */
SATCHEL_API int satchel_amend(struct satchel *satchel, const char *type, const char *record, const char *changes,
                              const char *reason, satchel_row_fn row, void *context);
/* Visits of a period (as satchel_report() has them; NULL: this month), the newest first: {"visit","day","account",
 * "account_id","by","state","disputed","purpose","goal","note","contacts":[names],"next_steps":[…],"none","amended",
 * "plan","started_at","submitted_at","template","territory","readiness_bp","duration_s","distance_m","accuracy_m",
 * "flags":[…]}.
 * Flags: far (over 300 m from the account's pin), position unknown (less exact than that), no position, mock position,
 * short (under three minutes, by a clock that nobody sets), no check-in, no check-out, clock set, unprepared. They are
 * for people to look at. `flag` (may be NULL): only those that have it. */
SATCHEL_API int satchel_visits(struct satchel *satchel, const char *period, const char *flag, satchel_row_fn row,
                               void *context);
/* One's day (`on` NULL: today): {"day","person","as_of":{territory: time},"clock","plans","unplanned","open_visits",
 * "needs_completion":[{"visit","day","account","territory","made_under","asks","missing"}],"tasks","next_steps",
 * "receivables" (with the step of dunning that is due),"claims" (satchel_claims(): one's own that are asked or lost),
 * "conflicts","disputed"}. */
SATCHEL_API int satchel_today(struct satchel *satchel, const char *on, char **json);
/* An account's page: {"account":{…},"as_of", and blocks, each {"as_of","rows"}: "profile" (with "buying":{"last_order",
 * "cycle_days","next_expected"}), "people","visits","interactions","orders","tiers","needs","opportunities","tasks",
 * "complaints","receivables"}. One that was merged into another one is that one, with what both have. */
SATCHEL_API int satchel_account_show(struct satchel *satchel, const char *account, char **json);
/* Publishes a template's next version: {"kind","name","body":{"title","items":[{"key","text","mandatory"?}]},
 * "effective_from"?}; NULL: those that the library brings, for visits and their preparation. Work that was begun under
 * another version stays as valid as it was. {"kind","name","version","id","published"} a row; published is false where
 * the newest version says the same. For who may write what the whole organisation reads (denied). */
SATCHEL_API int satchel_template_publish(struct satchel *satchel, const char *json, satchel_row_fn row, void *context);

/* ---- Leads ---- */

/* Answers (a JSON object; NULL: none) to the questions budget, authority, need and timeline of a lead, each "unknown",
 * "no", "partial" or "yes", and what they come to: {"lead","state","score","most","needed","enough","answers":{…}}. A
 * score has at most half a point. The weights (25, 30, 25, 20) and what is needed (60) are those of the organisation,
 * where it has published a config_item of kind policy and name bant. A lead that is new or contacted is qualified by
 * answers that are enough. The step's reason is the score. not_found, invalid. */
SATCHEL_API int satchel_lead_score(struct satchel_tx *tx, const char *id, const char *answers, char **json);
/* Makes an account, a contact (where the lead names a person) and an opportunity of a lead, which is converted by it;
 * the lead's account, where it has one, and what of the three is here already stay as they are. Their ids follow from
 * the lead's, so that it is converted once, however many do so. `opportunity` (NULL: nothing): a JSON object of fields
 * of the opportunity; "account" in it is that of the lead from then on. An account that the lead or they name is one
 * that is on this device, else nothing is made (not_found). {"lead","state","account","contact","opportunity"}, contact
 * null for none. A lead that is not qualified is refused, unless its score is enough. invalid, denied,
 * not_found. */
SATCHEL_API int satchel_lead_convert(struct satchel_tx *tx, const char *id, const char *opportunity, char **json);

/* ---- Customers ----
 *
 * Who is shown what follows from grades and roles: see satchel_get(), and docs/security.md for what that protects. */

/* One field of a record that is masked for this person, as it is: {"type","id","field","value","recorded"}. Before it
 * is given a record of type disclosure says so, with the reason (may be NULL), for all members to see
 * (satchel_audit()); of what is shown anyway nothing is recorded. denied (what only managers and admins may reveal, as
 * where people were), not_found (no such record, field, or nothing in it). Needs no open transaction. What is masked
 * and a transaction writes anew (satchel_restore(), satchel_resolve() with a pick, satchel_put() of a whole set,
 * satchel_lead_convert()) is shown from then on: its commit records the same, and these calls are denied alike. */
SATCHEL_API int satchel_reveal(struct satchel *satchel, const char *type, const char *id, const char *field,
                               const char *reason, char **json);

/* Accounts that may be one and the same, as their names, phones or places are alike: {"account","name","other",
 * "other_name","why":["name","phone","place"]} each; `id` (may be NULL): only those with this account. What somebody
 * merged, or took back, is not asked again. */
SATCHEL_API int satchel_duplicates(struct satchel *satchel, const char *id, satchel_row_fn row, void *context);
/* In the transaction: `absorbed` is the same customer as `survivor`, under which from now on everything of it is shown,
 * and to which later edits of it go; nothing is deleted, both ids stay. Accounts are named by id, or by name. invalid
 * (the same, or merged already), denied (neither a manager, an admin, nor the owner of both). */
SATCHEL_API int satchel_merge(struct satchel_tx *tx, const char *survivor, const char *absorbed);
/* It is another customer after all. not_found: it was not merged. */
SATCHEL_API int satchel_merge_undo(struct satchel_tx *tx, const char *absorbed);
/* What was merged, the newest last: {"id","account","name","absorbed","absorbed_name","shown_under","at","by",
 * "undone_at","late"}; late: edits of the absorbed one that have not gone on to the one that stays. */
SATCHEL_API int satchel_merges(struct satchel *satchel, satchel_row_fn row, void *context);

/* Who may be contacted for a purpose ("calls", "marketing", …; NULL: for any at all): {"id","name","title",
 * "account_name","account","phones","numbers","emails","wechat","territory"} each. Left out is who has withdrawn
 * consent for it, has left the company, or belongs to an account that is not to be contacted; *left_out: {why: how
 * many}, for satchel_free(). `account`: of one (by id or name); NULL: of all. */
SATCHEL_API int satchel_contacts(struct satchel *satchel, const char *account, const char *purpose, satchel_row_fn row,
                                 void *context, char **left_out);
/* In the transaction: a contact consents to a purpose, or withdraws that. What was withdrawn stays so; consenting again
 * makes a new record. Nothing is written where it stands so already. `evidence` may be NULL. */
SATCHEL_API int satchel_consent_give(struct satchel_tx *tx, const char *contact, const char *purpose,
                                     const char *evidence);
SATCHEL_API int satchel_consent_withdraw(struct satchel_tx *tx, const char *contact, const char *purpose);

/* ---- The pool ----
 *
 * An account or a lead (`type`) that has no owner is in the pool: whoever writes in its territory may claim it. Without
 * a network a claim is a request. Of several the one counts that the server received first, on every device, whoever
 * synced when; the others see who has it, and since when. It is claimed until it is given back, or a manager gives it
 * an owner. */

/* What there is in the pool, and what was claimed from it: {"type","id","name","territory","state","by","at","own"}
 * each. state: "free", "asked" (the server has not received it), "confirmed"; by: whose claim it is, at: when the
 * server received it, or when it was made, null both of what is free. own: what became of one's own claim, "asked",
 * "confirmed" or "lost"; null: one made none. */
SATCHEL_API int satchel_claims(struct satchel *satchel, satchel_row_fn row, void *context);
/* Claims one, by id or by what it is called: *json as a row of those. Claimed by oneself already: nothing is written.
 * exists: somebody else has it (who and since when, the message says); invalid: it has an owner; not_found. */
SATCHEL_API int satchel_claim(struct satchel *satchel, const char *type, const char *named, char **json);
/* Gives it back into the pool. denied (somebody else's, but for managers), not_found (nobody's). */
SATCHEL_API int satchel_claim_back(struct satchel *satchel, const char *type, const char *named, char **json);

/* ---- Roles, accounts that go to somebody else, targets ---- */

/* The business roles that come with this program, as records that an admin changes from then on: those that are not
 * there yet. denied. */
SATCHEL_API int satchel_roles_install(struct satchel_tx *tx);
/* {"code","name","max_grade","grants","here","people"} each; here: it is a record, else as it comes. */
SATCHEL_API int satchel_roles(struct satchel *satchel, satchel_row_fn row, void *context);

struct satchel_reassign_options {
    const char *at;          /* from when on; NULL: now */
    const char *reason;      /* NULL: none */
    const char *credit_rule; /* owner_then (NULL), owner_now, split */
};
/* In the transaction: accounts (by id or name) belong to the person `to` from now on; *changed: those that did not yet.
 * Work of the former owner that comes later is kept and shown, and counts as the credit rule says. denied (admins). */
SATCHEL_API int satchel_reassign(struct satchel_tx *tx, const char *const *accounts, size_t n, const char *to,
                                 const struct satchel_reassign_options *options, uint32_t *changed);

struct satchel_target_part {
    const char *owner; /* a person's name */
    int64_t value;
};
/* In the transaction: divides a target into parts, of the same metric and days. They have to sum to its newest value,
 * which is said at the commit (invalid). Divided again, the former parts stand beside these. */
SATCHEL_API int satchel_target_divide(struct satchel_tx *tx, const char *target,
                                      const struct satchel_target_part *parts, size_t n);

/* Publishes the tiers that follow from the orders of the twelve months up to `day` (NULL: today): of each account whose
 * tier is another one than it says, the tier, and a tier_event. {"account","was","tier","amount_minor","currency","id"}
 * of each that changed. denied (managers, admins), invalid (no day, or one to come). */
SATCHEL_API int satchel_tier_publish(struct satchel *satchel, const char *day, satchel_row_fn row, void *context);

/* ---- Orders ----
 *
 * Where a call takes an order, an account, a visit, a product, it takes its id, six or more hexadecimal digits that
 * only its id begins with, or what it is called: a number, a name, a sku. Several that it may mean: invalid, and the
 * message lists them. What ends in _minor is money in minor units of the object's "currency", in _bp hundredths of a
 * percent.
 *
 * What others did and a rule forbids is not refused when it comes: it is flagged, each flag {"flag","text"}:
 *   old_price         a newer version of the price list was effective on the day; "difference_minor", "newer_list"
 *   list_not_valid, currency, product, price, line, added
 *                     the list was not valid on the day; is of another currency; a product that is not here; a price
 *                     that is none of the list's; a line without quantity or price; one that came after the submission
 *   not_submitted     it was moved on, and never submitted
 *   no_way            it was made in a state to which whoever made it has no way, and nobody who has moved it on
 *   not_approved      a discount above what its author may give, and nobody has allowed it as it is now
 *   twice, number     the same account and lines a day before, after, or on the day; another order of the same number
 *   not_owed, owed    it is delivered, and nothing is owed for it; or not what it comes to
 *   credit_hold, credit_limit
 *                     the account is held; what is owed and ordered, with this one, is above its limit
 *   disputed, cancel_requested
 *
 * What of it SQL can tell stands in the view's `flagged` as well, beside what is flagged of other types. */

/* A new order, its lines priced by the price list that is valid on the day, of its code the newest version here, of its
 * prices the highest step of min_qty that a line's quantity reaches. `wish` is a JSON object: "account", "lines":
 * [{"sku","qty","discount_bp"}], and as far as wanted "price_list" (its code; else the only one that is valid, or that
 * of the account's last order), "currency", "discount_bp" (of lines without one), "visit", "date" (today),
 * "requested_date", "note", "anyway". *json as satchel_order_show(). Order and lines are one commit; the number
 * ("R017B-260302-004": the person's, the device's letter, the day, the device's count) is no other device's, and not
 * what it is known by: that is its id. invalid, not_found: the message names the list, the product or what else it is
 * about. exists: it looks like an order that is here (flag twice); with "anyway" it is stored nevertheless. */
SATCHEL_API int satchel_order_new(struct satchel *satchel, const char *wish, char **json);
/* Submits it: from here on it is amended and not edited. A discount above what the person may give (approval_grant, the
 * policy order.discount; managers and finance any) asks for an approval of just this content: bound to its hash.
 * Submitted once more after it was changed, it asks for what is new, and takes back what was asked before. */
SATCHEL_API int satchel_order_submit(struct satchel *satchel, const char *order, char **json);
/* {"id","no_local","no_final","ordered_on","requested_date","promised_date","earliest","account","account_id","state",
 * "disputed","submitted","submitted_at","visit","note","price_list","price_list_id","total_minor","currency",
 * "amended","lines":[{"sku","name","qty","unit_price_minor","discount_bp","amount_minor","amended","id"}],"events":
 * [{"at","what","state","by","note","eta","standing"}],"approval":{"needed","discount_bp","allowed_bp","allowed_by",
 * "approval","approval_state","for_another_version","for_another_version_state"},"flags":[…]}; what there is nothing to
 * say of is left out, an approval where there is no discount. Lines and total are those that count: with amendments.
 * "earliest": as many working days (Mondays to Fridays) after the day of ordering as the longest of its products'
 * lead_days and the policy order.transport ("days") make. */
SATCHEL_API int satchel_order_show(struct satchel *satchel, const char *order, char **json);
/* Moves it to another state (satchel_step()). To be reviewed it is submitted, its discount approved, and each item of
 * the checklist order_review answered, where the organisation has published one: by `answers` (NULL: none), a JSON
 * object of items' keys, or before. A cancelling that comes too late is noted as a request; who has it delivered makes
 * what is owed for it, due after as many days as the policy order.terms says (30), unless somebody has put that. Where
 * a price is missing, or masked for who says so, it is a task to note it. */
SATCHEL_API int satchel_order_move(struct satchel *satchel, const char *order, const char *to, const char *reason,
                                   const char *answers, char **json);
/* Notes what happens on its way: `kind` is "status", "shipment" or "exception", `eta` (may be NULL) a day. Of an
 * exception a task comes about for the account's owner: to tell the customer. */
SATCHEL_API int satchel_order_note(struct satchel *satchel, const char *order, const char *kind, const char *text,
                                   const char *eta, char **json);
/* Those that are not done, and of the last 31 days those that are and have flags: {"order","account","ordered_on",
 * "total_minor","currency","state","flags":[names],"id"}. */
SATCHEL_API int satchel_orders(struct satchel *satchel, satchel_row_fn row, void *context);

/* What waits for a manager's or finance's word: {"approval","order","account","by","discount_bp","total_minor",
 * "currency","state","version","order_id"}; version is "as it is", or "another version", where the order was changed
 * since. */
SATCHEL_API int satchel_approvals(struct satchel *satchel, satchel_row_fn row, void *context);
/* Decides one, by its id or by its order: "yes" or "no". Others hear of it with the next sync. *json:
 * {"approval","state","order","synced"}. denied; invalid (a yes to another version). */
SATCHEL_API int satchel_approve(struct satchel *satchel, const char *approval, const char *decision, const char *reason,
                                char **json);

/* ---- Money ---- */

/* A payment, and what of it goes to which receivable: to those of "for" (ids, or orders' numbers) in that order, else
 * to the oldest first. `wish`: {"account","amount" (in minor units),"currency","for":[…],"bank_ref","on" (today),
 * "channel","anyway"}. *json: {"payment","account","amount_minor","currency","received_on","counts","counts_instead",
 * "allocations":[{"receivable","amount_minor","paid"}],"warnings":[…]}. A bank reference that is there already is
 * warned of: of the same account, amount and currency the two count once until one is reversed, or somebody says that
 * they are two; "counts" is whether this one does, "paid" whether the receivable is, as it stands now. So is one of the
 * same day and amount where either has no reference: both count. With "anyway" it is another one than those that are
 * here. Reminders of what is paid now are taken back behind it; that one stays is a warning. A payment lies in the
 * territory of what it pays. invalid: more than is open, another currency, no amount, owed in several territories. */
SATCHEL_API int satchel_pay(struct satchel *satchel, const char *wish, char **json);
/* Says that a payment is another one than that which it looks like, so that both count: {"payment","counts"}. exists:
 * it is taken for no other. invalid: it was reversed. */
SATCHEL_API int satchel_pay_confirm(struct satchel *satchel, const char *payment, const char *reason, char **json);
/* Takes a payment back, by a record that says so: {"payment","reverses"}. exists: it was reversed. */
SATCHEL_API int satchel_pay_reverse(struct satchel *satchel, const char *payment, const char *reason, char **json);
/* Payments and receivables to be looked at: {"flag","account","amount_minor","currency","received_on","bank_ref","id"};
 * flag is "twice", "currency", "not allocated", "more allocated than paid", "not positive" (of a payment, or of what of
 * one goes to a receivable), "owed twice" (made by a delivery, where somebody put what is owed for the order by hand,
 * which counts), "more paid than owed", "no amount", "does not fit" or "elsewhere" (in another territory than what it
 * is about: it counts nowhere). */
SATCHEL_API int satchel_payments(struct satchel *satchel, satchel_row_fn row, void *context);
/* Makes tasks of the reminders that are due on the day (NULL: today) for what is owed and not paid, each once, whoever
 * does it on whatever device: 7 and 3 days before, the day itself, 1, 7, 15 and 30 days after. Takes back those of what
 * is paid by now. {"account","due","outstanding_minor","currency","level","step","on","receivable","task"}. A
 * receivable that is odd (no amount, no currency, no day that can be read) or cannot be written is left out, wholly,
 * and stops nothing else: its row has no level, and "skipped" says why; what lies where this device may not write is
 * left to others without a word. With `dry_run` nothing is written, and the day may be to come. */
SATCHEL_API int satchel_dunning(struct satchel *satchel, const char *day, int dry_run, satchel_row_fn row,
                                void *context);

#endif
