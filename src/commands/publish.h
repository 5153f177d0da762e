/*-------------------------------------------------------------------------
 *
 * commands/publish.h
 *	  Publications and subscriptions: hidden tables are nobody else's.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_PUBLISH_H
#define TV_PUBLISH_H

#include "commands/command.h"

/* CreatePublicationStmt */
extern void tv_create_publication(TvUtility *utility, Node *stmt);

/* CreateSubscriptionStmt, AlterSubscriptionStmt */
extern void tv_change_subscription(TvUtility *utility, Node *stmt);

/* A view is created: warn of publications of all tables. */
extern void tv_publish_warn(void);

#endif							/* TV_PUBLISH_H */
