/*-------------------------------------------------------------------------
 *
 * commands/publish.c
 *	  Publications and subscriptions: hidden tables are nobody else's.
 *
 * To the server, state tables and the tables of the extension are tables like
 * others, and a publication of all tables has them.  A subscriber that has
 * none of these names stops with an error; nothing can be done about it but to
 * warn who publishes.  One that has them, because it was made by the same
 * script, or was a standby of the publisher, would let them be written to, and
 * its own views be wrong: they are left out of its subscriptions, and changes
 * of tables that are not subscribed to are passed over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_subscription_rel.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "commands/publish.h"

static void warn(const char *publication);

void
tv_create_publication(TvUtility *utility, Node *stmt)
{
	CreatePublicationStmt *create = castNode(CreatePublicationStmt, stmt);

	tv_utility_run(utility);
	if (create->for_all_tables)
		warn(create->pubname);
}

void
tv_publish_warn(void)
{
	List	   *publications = GetAllTablesPublications();

	if (publications != NIL)
		warn(get_publication_name(linitial_oid(publications), false));
}

static void
warn(const char *publication)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("publication \"%s\" includes hidden tables of pg_tviews", publication),
			 errdetail("Subscribers that have no tables of these names stop with an error when maintained views change."),
			 errhint("Create the publication FOR TABLE or FOR TABLES IN SCHEMA.")));
}

void
tv_change_subscription(TvUtility *utility, Node *stmt)
{
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *subscriptions = NIL;
	List	   *tables = NIL;
	ListCell   *lc;
	ListCell   *lt;

	tv_utility_run(utility);
	CommandCounterIncrement();
	rel = table_open(SubscriptionRelRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_subscription_rel form = (Form_pg_subscription_rel) GETSTRUCT(tuple);

		if (get_rel_namespace(form->srrelid) != tv_catalog_schema())
			continue;
		subscriptions = lappend_oid(subscriptions, form->srsubid);
		tables = lappend_oid(tables, form->srrelid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);

	forboth(lc, subscriptions, lt, tables)
		RemoveSubscriptionRel(lfirst_oid(lc), lfirst_oid(lt));
	if (tables != NIL)
		ereport(NOTICE,
				(errmsg("hidden tables of pg_tviews are left out of subscriptions"),
				 errdetail("Maintained views of this database are maintained here.")));
}
