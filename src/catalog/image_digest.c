/*-------------------------------------------------------------------------
 *
 * catalog/image_digest.c
 *	  What stands for a value of any length where only equality counts.
 *
 * Short values stand for themselves, long ones are hashed (SHA-256); the first
 * byte tells which, so that no value can pose as the hash of another.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "tv_compat.h"

/* Values up to this many bytes stand for themselves. */
#define TV_DIGEST_VERBATIM 128

PG_FUNCTION_INFO_V1(tview_image_digest);

/*
 * tview.image_digest("any") returns bytea: of a value of variable length.
 * Values of different types are not told apart.
 */
Datum
tview_image_digest(PG_FUNCTION_ARGS)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	struct varlena *value;
	const char *bytes;
	Size		len;
	bool		verbatim;
	bytea	   *result;

	if (!OidIsValid(type) || get_typlen(type) != -1)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("tview.image_digest() is for types of variable length")));
	value = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(0));
	bytes = VARDATA_ANY(value);
	len = VARSIZE_ANY_EXHDR(value);
	verbatim = len <= TV_DIGEST_VERBATIM;

	if (!verbatim)
	{
		bytea	   *plain = palloc(VARHDRSZ + len);
		bytea	   *hash;

		SET_VARSIZE(plain, VARHDRSZ + len);
		memcpy(VARDATA(plain), bytes, len);
		hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(plain)));
		bytes = VARDATA_ANY(hash);
		len = VARSIZE_ANY_EXHDR(hash);
	}
	result = palloc(VARHDRSZ + 1 + len);
	SET_VARSIZE(result, VARHDRSZ + 1 + len);
	*VARDATA(result) = verbatim ? 0 : 1;
	memcpy(VARDATA(result) + 1, bytes, len);
	PG_RETURN_BYTEA_P(result);
}
