/* base/banned.h - functions that do not compile here (house rule 10).
 *
 * Given to every compilation with -include, after the system headers that declare them. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With clang, glibc's fortified versions are macros, which cannot be poisoned as they are. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat strtok gets
#pragma GCC poison atoi atol atoll atof sscanf vsscanf system popen mktemp tmpnam tempnam
