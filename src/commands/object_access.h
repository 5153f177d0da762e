/*-------------------------------------------------------------------------
 *
 * commands/object_access.h
 *	  The object access hook.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_OBJECT_ACCESS_H
#define TV_OBJECT_ACCESS_H

extern void tv_object_access_init(void);

#endif							/* TV_OBJECT_ACCESS_H */
