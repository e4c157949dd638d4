/* What cannot happen stops the program, in release builds too. Never used on outside input. */
#ifndef SAT_BASE_CHECK_H
#define SAT_BASE_CHECK_H

_Noreturn void sat_check_failed(const char *what, const char *file, int line);

#define sat_check(condition) ((condition) ? (void)0 : sat_check_failed(#condition, __FILE__, __LINE__))

#endif
