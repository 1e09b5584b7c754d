/*
 * user_path.h --- the search_path that users' own expressions are read with
 *
 * Workers run with a search_path that nobody can put anything into.  What a
 * rule names, a type or a function, is looked up as its writer expects: with
 * the search_path that the connector's owner has by the settings of role,
 * database and server.
 */
#ifndef SDB_USER_PATH_H
#define SDB_USER_PATH_H

/* A worker has begun: remember the present search_path as the owner's. */
extern void sdb_user_path_remember(void);

/*
 * sdb_user_path_enter --- have it in force until sdb_user_path_leave, which
 * takes the result.  In other processes the search_path stays as it is.
 */
extern int	sdb_user_path_enter(void);
extern void sdb_user_path_leave(int nestlevel);

#endif							/* SDB_USER_PATH_H */
