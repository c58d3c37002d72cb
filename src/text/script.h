/* Which characters a piece of a unigram vocabulary may hold side by side. */
#ifndef YH_TEXT_SCRIPT_H
#define YH_TEXT_SCRIPT_H

#include <stdint.h>

typedef enum yh_script {
    YH_SCRIPT_COMMON, /* digits, punctuation, symbols */
    YH_SCRIPT_LINE,   /* control characters: ends of lines, tabs */
    YH_SCRIPT_ANY,    /* marks: as what stands before them */
    YH_SCRIPT_FIRST   /* and up: scripts by Unicode block; kana and Chinese are one */
} yh_script;

/* yh_uc_init must have been called. */
yh_script yh_script_of(uint32_t cp);

#endif
