/* What cannot happen stops the program, in release builds too. Never used on outside input. */
#ifndef SAT_BASE_CHECK_H
#define SAT_BASE_CHECK_H

_Noreturn void sat_check_failed(const char *what, const char *file, int line);

/* Memory that cannot be had ends the process before anything wrong is stored or said: for the many small things of a
 * step, which all have a bound (limits.h). What the store holds is then as after any crash, whole and with all that was
 * acknowledged. Larger things, and those that a caller can do without, fail with SAT_ERR_NO_MEMORY instead. */
_Noreturn void sat_no_memory(void);

#define sat_check_memory(condition) ((condition) ? (void)0 : sat_no_memory())
#define sat_check(condition) ((condition) ? (void)0 : sat_check_failed(#condition, __FILE__, __LINE__))

#endif
