/* Finding personal data in a text: what it is and where. Conservative: what may as well be a
 * version, a price or the number of an article stays. Linear time, any thread. */
#ifndef YH_RULES_PERSONAL_DATA_H
#define YH_RULES_PERSONAL_DATA_H

#include <stdbool.h>
#include <stddef.h>

typedef enum yh_personal_kind {
    YH_PERSONAL_EMAIL,
    YH_PERSONAL_IP,    /* v4 of four numbers that are no version; v6 of public addresses */
    YH_PERSONAL_PHONE, /* Chinese mobile and landline, +country code, North American */
    YH_PERSONAL_CN_ID, /* 18 digits of a resident identity card, check digit verified */
    YH_PERSONAL_CARD,  /* bank cards: known prefix and length, check digit verified (Luhn) */
    YH_PERSONAL_KINDS
} yh_personal_kind;

typedef struct yh_personal {
    size_t at, len;
    yh_personal_kind kind;
} yh_personal;

/* The next one at or behind `from`; false: none is left. private_ip: addresses of private networks
 * count too. */
bool yh_personal_next(const char *text, size_t n, size_t from, bool private_ip, yh_personal *out);

#endif
