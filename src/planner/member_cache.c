/*-------------------------------------------------------------------------
 *
 * planner/member_cache.c
 *	  Which sources the rows of a table belong to.
 *
 * Entries of tables in trees depend on the whole tree, so that an invalidation
 * of any table in a tree starts a new generation of all entries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "planner/member_cache.h"

static HTAB *members = NULL;
static HTAB *tree_tables = NULL;	/* of Oid: all that some entry depends on */
static uint64 current_generation = 1;
static uint64 ninvalidations = 0;

static void make_tables(void);
static void build_member(TvMember *member);

static void
make_tables(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(TvMember);
	ctl.hcxt = CacheMemoryContext;
	members = hash_create("pg_tviews members", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.entrysize = sizeof(Oid);
	tree_tables = hash_create("pg_tviews trees", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

TvMember *
tv_member_lookup(Oid relid)
{
	TvMember   *member;
	bool		found;

	if (members)
	{
		member = hash_search(members, &relid, HASH_FIND, NULL);
		if (member && member->generation == current_generation)
			return member;
	}
	if (!IsTransactionState() || !tv_catalog_installed())
		return NULL;
	if (members == NULL)
		make_tables();
	member = hash_search(members, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(member, 0, sizeof(TvMember));
		member->relid = relid;
	}
	build_member(member);
	return member;
}

static void
build_member(TvMember *member)
{
	Oid			relid = member->relid;
	MemoryContext cxt = AllocSetContextCreate(CacheMemoryContext, "pg_tviews member",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	uint64		before;
	List	   *above;
	ListCell   *lc;

	if (member->cxt)
		tv_view_cache_discard(member->cxt);
	memset(member, 0, sizeof(TvMember));
	member->relid = relid;
	member->cxt = cxt;

	AcceptInvalidationMessages();
	before = ninvalidations;
	member->in_tree = tv_tree_is_member(relid);
	member->related = tv_tree_related(relid);
	if (member->in_tree)
		tv_member_watch(member->related);
	foreach(lc, member->related)
		member->reaches |= tv_view_readers(lfirst_oid(lc)) != NULL;

	above = tv_tree_above(relid);
	member->sources = palloc0(sizeof(TvMembership) * list_length(above));
	foreach(lc, above)
		if (tv_view_readers(lfirst_oid(lc)) != NULL)
		member->sources[member->nsources++].source = lfirst_oid(lc);

	/* what was invalidated meanwhile makes this entry old at once */
	member->generation = ninvalidations == before ? current_generation : 0;
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_member_reaches(Oid relid, Oid source)
{
	TvMember   *member = tv_member_lookup(relid);

	if (member == NULL || !member->reaches)
		return false;
	return !OidIsValid(source) || list_member_oid(member->related, source);
}

/*
 * Columns correspond by name.  No lock on the source is needed to look at
 * them: who changes its columns changes those of the table, which the caller is
 * changing rows of.
 */
void
tv_membership_bind(MemoryContext cxt, Oid relid, TvMembership *membership,
				   const TvLayout *layout)
{
	Size		size = sizeof(AttrNumber) * layout->natts;

	if (membership->attnos && membership->natts == layout->natts &&
		memcmp(membership->source_attnos, layout->attnos, size) == 0)
		return;
	membership->natts = layout->natts;
	membership->source_attnos = MemoryContextAlloc(cxt, size + 1);
	memcpy(membership->source_attnos, layout->attnos, size);
	membership->attnos = MemoryContextAlloc(cxt, size + 1);
	memcpy(membership->attnos, layout->attnos, size);
	membership->last_attno = 0;
	for (int i = 0; i < layout->natts; i++)
	{
		if (membership->source != relid && layout->attnos[i] != TV_COLUMN_TABLEOID)
		{
			char	   *name = get_attname(membership->source, layout->attnos[i], false);

			membership->attnos[i] = get_attnum(relid, name);
			if (membership->attnos[i] == InvalidAttrNumber)
				elog(ERROR, "column \"%s\" of relation %u does not exist in relation %u",
					 name, membership->source, relid);
		}
		membership->last_attno = Max(membership->last_attno, membership->attnos[i]);
	}
}

void
tv_member_watch(List *relids)
{
	ListCell   *lc;

	if (members == NULL)
		make_tables();
	foreach(lc, relids)
		(void) hash_search(tree_tables, &lfirst_oid(lc), HASH_ENTER, NULL);
}

bool
tv_member_invalidate(Oid relid, bool everything)
{
	TvMember   *member;
	bool		in_tree;

	if (members == NULL)
		return false;
	ninvalidations++;
	in_tree = !OidIsValid(relid) || hash_search(tree_tables, &relid, HASH_FIND, NULL) != NULL;
	member = hash_search(members, &relid, HASH_FIND, NULL);
	if (everything || in_tree)
		current_generation++;
	else if (member)
		member->generation = 0;
	return in_tree;
}
