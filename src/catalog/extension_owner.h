/*-------------------------------------------------------------------------
 *
 * catalog/extension_owner.h
 *	  Act as the owner of the extension.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXTENSION_OWNER_H
#define TV_EXTENSION_OWNER_H

typedef struct TvUser
{
	Oid			userid;
	int			sec_context;
} TvUser;

/*
 * Become the owner of the extension, to make or drop its objects on behalf of
 * somebody else.  An error in between needs no clean-up: abort restores the
 * user.
 */
extern void tv_extension_owner_enter(TvUser *save);
extern void tv_extension_owner_leave(const TvUser *save);

#endif							/* TV_EXTENSION_OWNER_H */
