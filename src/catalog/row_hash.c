/*-------------------------------------------------------------------------
 *
 * catalog/row_hash.c
 *	  Hash of a row's image: the key of views that have no other.
 *
 * Hashed are the bytes that would be stored, not the Datum: the unused upper
 * bits of a narrow pass-by-value Datum depend on who made it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupmacs.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "catalog/row_hash.h"
#include "catalog/row_image.h"

PG_FUNCTION_INFO_V1(tview_row_hash);

static uint32 attribute_hash(Form_pg_attribute attribute, Datum value);
static uint32 nested_hash(Oid type, Datum value);

/* The type of the rows of a call, for the next one. */
typedef struct HashedType
{
	uint64		id;				/* tells when the type has changed */
	TupleDesc	desc;
	Datum	   *values;
	bool	   *isnull;
} HashedType;

/* To build an index is to call it for each row: the type is looked up once. */
static HashedType *
hashed_type(FmgrInfo *flinfo, Oid type, int32 typmod)
{
	HashedType *hashed = flinfo->fn_extra;
	uint64		id = assign_record_type_identifier(type, typmod);
	MemoryContext oldcxt;
	TupleDesc	desc;

	if (hashed && hashed->id == id)
		return hashed;
	oldcxt = MemoryContextSwitchTo(flinfo->fn_mcxt);
	desc = lookup_rowtype_tupdesc(type, typmod);
	hashed = palloc(sizeof(HashedType));
	hashed->id = id;
	hashed->desc = CreateTupleDescCopyConstr(desc);
	hashed->values = palloc(desc->natts * sizeof(Datum));
	hashed->isnull = palloc(desc->natts * sizeof(bool));
	ReleaseTupleDesc(desc);
	MemoryContextSwitchTo(oldcxt);
	flinfo->fn_extra = hashed;
	return hashed;
}

/*
 * tview.row_hash(record) returns int
 */
Datum
tview_row_hash(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	HashedType *type = hashed_type(fcinfo->flinfo, HeapTupleHeaderGetTypeId(header),
								   HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple;
	uint32		hash;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, type->desc, type->values, type->isnull);
	hash = tv_row_hash(type->desc, type->values, type->isnull);

	PG_FREE_IF_COPY(header, 0);
	PG_RETURN_INT32((int32) hash);
}

uint32
tv_row_hash(TupleDesc desc, const Datum *values, const bool *isnull)
{
	uint32		hash = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		hash = pg_rotate_left32(hash, 5) ^
			(isnull[i] ? 0 : attribute_hash(attribute, values[i]));
	}
	return hash;
}

/* Of a row that is a value. */
static uint32
nested_row_hash(HeapTupleHeader header)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple;
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *isnull = palloc(desc->natts * sizeof(bool));
	uint32		hash;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, isnull);
	hash = tv_row_hash(desc, values, isnull);
	ReleaseTupleDesc(desc);
	return hash;
}

/*
 * Of a value with rows inside, by their columns: the header of a row is not the
 * same in all versions of the server, not even in all releases of one.
 */
static uint32
nested_hash(Oid type, Datum value)
{
	Oid			element;
	ArrayType  *array;
	Datum	   *values;
	bool	   *isnull;
	int			n;
	uint32		hash;

	check_stack_depth();
	type = getBaseType(type);
	element = get_element_type(type);
	if (!OidIsValid(element))
		return nested_row_hash(DatumGetHeapTupleHeader(value));

	array = DatumGetArrayTypeP(value);
	hash = hash_bytes((const unsigned char *) ARR_DIMS(array), 2 * ARR_NDIM(array) * sizeof(int));
	deconstruct_array(array, element, -1, false, TYPALIGN_DOUBLE, &values, &isnull, &n);
	for (int i = 0; i < n; i++)
		hash = pg_rotate_left32(hash, 5) ^ (isnull[i] ? 0 : nested_hash(element, values[i]));
	return hash;
}

static uint32
attribute_hash(Form_pg_attribute attribute, Datum value)
{
	int16		len = attribute->attlen;

	if (attribute->attbyval)
	{
		Datum		bytes = 0;

		store_att_byval(&bytes, value, len);
		return hash_bytes((const unsigned char *) &bytes, len);
	}
	if (len == -1 && tv_image_has_rows(attribute->atttypid))
	{
		MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews image",
												  ALLOCSET_SMALL_SIZES);
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
		uint32		hash = nested_hash(attribute->atttypid, value);

		MemoryContextSwitchTo(oldcxt);
		MemoryContextDelete(cxt);
		return hash;
	}
	if (len == -1)
	{
		struct varlena *plain = PG_DETOAST_DATUM_PACKED(value);
		uint32		hash;

		hash = hash_bytes((const unsigned char *) VARDATA_ANY(plain),
						  VARSIZE_ANY_EXHDR(plain));
		if ((Pointer) plain != DatumGetPointer(value))
			pfree(plain);
		return hash;
	}
	if (len == -2)
		len = strlen(DatumGetCString(value));
	return hash_bytes((const unsigned char *) DatumGetPointer(value), len);
}
