/*-------------------------------------------------------------------------
 *
 * catalog/row_image.c
 *	  When two values have the same image.
 *
 * The server compares the bytes of two values after it has decompressed them.
 * It does not look into rows: a row made of a column's value holds it
 * compressed or not, as it was found, so that equal rows differ in bytes.  And
 * rows of a table to which a column was added have fewer columns than new
 * ones.  Such rows, and arrays of them, are taken apart and put together again
 * before they are compared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "catalog/row_image.h"

static Datum canonical(Oid type, Datum value);
static Datum canonical_row(HeapTupleHeader header);
static Datum canonical_array(Oid element, ArrayType *array);

bool
tv_image_has_rows(Oid type)
{
	Oid			element;

	check_stack_depth();
	if (type == RECORDOID || type == RECORDARRAYOID)
		return true;
	if (type < FirstGenbkiObjectId)
		return false;
	type = getBaseType(type);
	element = get_element_type(type);
	return OidIsValid(element) ? tv_image_has_rows(element) :
		get_typtype(type) == TYPTYPE_COMPOSITE || type == RECORDOID;
}

/*
 * A value with rows inside as everybody would write it, in the current memory
 * context, where much is left behind on the way.
 */
static Datum
canonical(Oid type, Datum value)
{
	Oid			element;

	check_stack_depth();
	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return canonical_array(element, DatumGetArrayTypeP(value));
	return canonical_row(DatumGetHeapTupleHeader(value));
}

static Datum
canonical_row(HeapTupleHeader header)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple;
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	Datum		result;

	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, desc, values, nulls);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			nulls[i] = true;
		else if (nulls[i] || att->attlen != -1)
			continue;
		else if (tv_image_has_rows(att->atttypid))
			values[i] = canonical(att->atttypid, values[i]);
		else
			values[i] = PointerGetDatum(PG_DETOAST_DATUM(values[i]));
	}
	result = HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	ReleaseTupleDesc(desc);
	return result;
}

static Datum
canonical_array(Oid element, ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;
	int16		len;
	bool		byval;
	char		align;

	get_typlenbyvalalign(element, &len, &byval, &align);
	deconstruct_array(array, element, len, byval, align, &values, &nulls, &n);
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			values[i] = canonical(element, values[i]);
	return PointerGetDatum(construct_md_array(values, nulls, ARR_NDIM(array), ARR_DIMS(array),
											  ARR_LBOUND(array), element, len, byval, align));
}

bool
tv_image_equal(Form_pg_attribute attribute, Datum a, Datum b)
{
	MemoryContext cxt;
	MemoryContext oldcxt;
	bool		result;

	if (datum_image_eq(a, b, attribute->attbyval, attribute->attlen))
		return true;
	if (attribute->attlen != -1 || !tv_image_has_rows(attribute->atttypid))
		return false;

	cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews image", ALLOCSET_SMALL_SIZES);
	oldcxt = MemoryContextSwitchTo(cxt);
	result = datum_image_eq(canonical(attribute->atttypid, a),
							canonical(attribute->atttypid, b), false, -1);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
	return result;
}
