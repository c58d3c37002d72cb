/* Characters assigned after Unicode 14: first, last, general category. From the character
 * database of Unicode 17; laid over the tables of older libraries. */
#ifndef YH_TEXT_UNICODE_ADDED_H
#define YH_TEXT_UNICODE_ADDED_H

#define YH_UNICODE_ADDED(X)                                                                        \
    X(0x00897, 0x00897, "Mn")                                                                      \
    X(0x00CF3, 0x00CF3, "Mc")                                                                      \
    X(0x00ECE, 0x00ECE, "Mn")                                                                      \
    X(0x01B4E, 0x01B4F, "Po")                                                                      \
    X(0x01B7F, 0x01B7F, "Po")                                                                      \
    X(0x01C89, 0x01C89, "Lu")                                                                      \
    X(0x01C8A, 0x01C8A, "Ll")                                                                      \
    X(0x02427, 0x02429, "So")                                                                      \
    X(0x02FFC, 0x02FFF, "So")                                                                      \
    X(0x031E4, 0x031E5, "So")                                                                      \
    X(0x031EF, 0x031EF, "So")                                                                      \
    X(0x0A7CB, 0x0A7CC, "Lu")                                                                      \
    X(0x0A7CD, 0x0A7CD, "Ll")                                                                      \
    X(0x0A7DA, 0x0A7DA, "Lu")                                                                      \
    X(0x0A7DB, 0x0A7DB, "Ll")                                                                      \
    X(0x0A7DC, 0x0A7DC, "Lu")                                                                      \
    X(0x105C0, 0x105F3, "Lo")                                                                      \
    X(0x10D40, 0x10D49, "Nd")                                                                      \
    X(0x10D4A, 0x10D4D, "Lo")                                                                      \
    X(0x10D4E, 0x10D4E, "Lm")                                                                      \
    X(0x10D4F, 0x10D4F, "Lo")                                                                      \
    X(0x10D50, 0x10D65, "Lu")                                                                      \
    X(0x10D69, 0x10D6D, "Mn")                                                                      \
    X(0x10D6E, 0x10D6E, "Pd")                                                                      \
    X(0x10D6F, 0x10D6F, "Lm")                                                                      \
    X(0x10D70, 0x10D85, "Ll")                                                                      \
    X(0x10D8E, 0x10D8F, "Sm")                                                                      \
    X(0x10EC2, 0x10EC4, "Lo")                                                                      \
    X(0x10EFC, 0x10EFF, "Mn")                                                                      \
    X(0x1123F, 0x11240, "Lo")                                                                      \
    X(0x11241, 0x11241, "Mn")                                                                      \
    X(0x11380, 0x11389, "Lo")                                                                      \
    X(0x1138B, 0x1138B, "Lo")                                                                      \
    X(0x1138E, 0x1138E, "Lo")                                                                      \
    X(0x11390, 0x113B5, "Lo")                                                                      \
    X(0x113B7, 0x113B7, "Lo")                                                                      \
    X(0x113B8, 0x113BA, "Mc")                                                                      \
    X(0x113BB, 0x113C0, "Mn")                                                                      \
    X(0x113C2, 0x113C2, "Mc")                                                                      \
    X(0x113C5, 0x113C5, "Mc")                                                                      \
    X(0x113C7, 0x113CA, "Mc")                                                                      \
    X(0x113CC, 0x113CD, "Mc")                                                                      \
    X(0x113CE, 0x113CE, "Mn")                                                                      \
    X(0x113CF, 0x113CF, "Mc")                                                                      \
    X(0x113D0, 0x113D0, "Mn")                                                                      \
    X(0x113D1, 0x113D1, "Lo")                                                                      \
    X(0x113D2, 0x113D2, "Mn")                                                                      \
    X(0x113D3, 0x113D3, "Lo")                                                                      \
    X(0x113D4, 0x113D5, "Po")                                                                      \
    X(0x113D7, 0x113D8, "Po")                                                                      \
    X(0x113E1, 0x113E2, "Mn")                                                                      \
    X(0x116D0, 0x116E3, "Nd")                                                                      \
    X(0x11B00, 0x11B09, "Po")                                                                      \
    X(0x11BC0, 0x11BE0, "Lo")                                                                      \
    X(0x11BE1, 0x11BE1, "Po")                                                                      \
    X(0x11BF0, 0x11BF9, "Nd")                                                                      \
    X(0x11F00, 0x11F01, "Mn")                                                                      \
    X(0x11F02, 0x11F02, "Lo")                                                                      \
    X(0x11F03, 0x11F03, "Mc")                                                                      \
    X(0x11F04, 0x11F10, "Lo")                                                                      \
    X(0x11F12, 0x11F33, "Lo")                                                                      \
    X(0x11F34, 0x11F35, "Mc")                                                                      \
    X(0x11F36, 0x11F3A, "Mn")                                                                      \
    X(0x11F3E, 0x11F3F, "Mc")                                                                      \
    X(0x11F40, 0x11F40, "Mn")                                                                      \
    X(0x11F41, 0x11F41, "Mc")                                                                      \
    X(0x11F42, 0x11F42, "Mn")                                                                      \
    X(0x11F43, 0x11F4F, "Po")                                                                      \
    X(0x11F50, 0x11F59, "Nd")                                                                      \
    X(0x11F5A, 0x11F5A, "Mn")                                                                      \
    X(0x1342F, 0x1342F, "Lo")                                                                      \
    X(0x13439, 0x1343F, "Cf")                                                                      \
    X(0x13440, 0x13440, "Mn")                                                                      \
    X(0x13441, 0x13446, "Lo")                                                                      \
    X(0x13447, 0x13455, "Mn")                                                                      \
    X(0x13460, 0x143FA, "Lo")                                                                      \
    X(0x16100, 0x1611D, "Lo")                                                                      \
    X(0x1611E, 0x16129, "Mn")                                                                      \
    X(0x1612A, 0x1612C, "Mc")                                                                      \
    X(0x1612D, 0x1612F, "Mn")                                                                      \
    X(0x16130, 0x16139, "Nd")                                                                      \
    X(0x16D40, 0x16D42, "Lm")                                                                      \
    X(0x16D43, 0x16D6A, "Lo")                                                                      \
    X(0x16D6B, 0x16D6C, "Lm")                                                                      \
    X(0x16D6D, 0x16D6F, "Po")                                                                      \
    X(0x16D70, 0x16D79, "Nd")                                                                      \
    X(0x18CFF, 0x18CFF, "Lo")                                                                      \
    X(0x1B132, 0x1B132, "Lo")                                                                      \
    X(0x1B155, 0x1B155, "Lo")                                                                      \
    X(0x1CC00, 0x1CCEF, "So")                                                                      \
    X(0x1CCF0, 0x1CCF9, "Nd")                                                                      \
    X(0x1CD00, 0x1CEB3, "So")                                                                      \
    X(0x1D2C0, 0x1D2D3, "No")                                                                      \
    X(0x1DF25, 0x1DF2A, "Ll")                                                                      \
    X(0x1E030, 0x1E06D, "Lm")                                                                      \
    X(0x1E08F, 0x1E08F, "Mn")                                                                      \
    X(0x1E4D0, 0x1E4EA, "Lo")                                                                      \
    X(0x1E4EB, 0x1E4EB, "Lm")                                                                      \
    X(0x1E4EC, 0x1E4EF, "Mn")                                                                      \
    X(0x1E4F0, 0x1E4F9, "Nd")                                                                      \
    X(0x1E5D0, 0x1E5ED, "Lo")                                                                      \
    X(0x1E5EE, 0x1E5EF, "Mn")                                                                      \
    X(0x1E5F0, 0x1E5F0, "Lo")                                                                      \
    X(0x1E5F1, 0x1E5FA, "Nd")                                                                      \
    X(0x1E5FF, 0x1E5FF, "Po")                                                                      \
    X(0x1F6DC, 0x1F6DC, "So")                                                                      \
    X(0x1F774, 0x1F776, "So")                                                                      \
    X(0x1F77B, 0x1F77F, "So")                                                                      \
    X(0x1F7D9, 0x1F7D9, "So")                                                                      \
    X(0x1F8B2, 0x1F8BB, "So")                                                                      \
    X(0x1F8C0, 0x1F8C1, "So")                                                                      \
    X(0x1FA75, 0x1FA77, "So")                                                                      \
    X(0x1FA87, 0x1FA89, "So")                                                                      \
    X(0x1FA8F, 0x1FA8F, "So")                                                                      \
    X(0x1FAAD, 0x1FAAF, "So")                                                                      \
    X(0x1FABB, 0x1FABF, "So")                                                                      \
    X(0x1FAC6, 0x1FAC6, "So")                                                                      \
    X(0x1FACE, 0x1FACF, "So")                                                                      \
    X(0x1FADA, 0x1FADC, "So")                                                                      \
    X(0x1FADF, 0x1FADF, "So")                                                                      \
    X(0x1FAE8, 0x1FAE9, "So")                                                                      \
    X(0x1FAF7, 0x1FAF8, "So")                                                                      \
    X(0x1FBCB, 0x1FBEF, "So")                                                                      \
    X(0x2B739, 0x2B739, "Lo")                                                                      \
    X(0x2EBF0, 0x2EE5D, "Lo")                                                                      \
    X(0x31350, 0x323AF, "Lo")

/* Marks that the normal form C of Hugging Face's tokenizers (Unicode 9) does not know: it neither
 * sorts nor composes them, and equal ids need the same of us. */
#define YH_NFC_UNKNOWN(X)                                                                          \
    X(0x7fd, 0x7fd)                                                                                \
    X(0x898, 0x89f)                                                                                \
    X(0x8ca, 0x8d3)                                                                                \
    X(0x9fe, 0x9fe)                                                                                \
    X(0xc3c, 0xc3c)                                                                                \
    X(0xd3b, 0xd3c)                                                                                \
    X(0xeba, 0xeba)                                                                                \
    X(0x1715, 0x1715)                                                                              \
    X(0x1abf, 0x1ace)                                                                              \
    X(0x1df6, 0x1dfa)                                                                              \
    X(0xa82c, 0xa82c)                                                                              \
    X(0x10d24, 0x10d27)                                                                            \
    X(0x10eab, 0x10eac)                                                                            \
    X(0x10f46, 0x10f50)                                                                            \
    X(0x10f82, 0x10f85)                                                                            \
    X(0x11070, 0x11070)                                                                            \
    X(0x1133b, 0x1133b)                                                                            \
    X(0x1145e, 0x1145e)                                                                            \
    X(0x11839, 0x1183a)                                                                            \
    X(0x1193d, 0x1193e)                                                                            \
    X(0x11943, 0x11943)                                                                            \
    X(0x119e0, 0x119e0)                                                                            \
    X(0x11a34, 0x11a34)                                                                            \
    X(0x11a47, 0x11a47)                                                                            \
    X(0x11a99, 0x11a99)                                                                            \
    X(0x11d42, 0x11d42)                                                                            \
    X(0x11d44, 0x11d45)                                                                            \
    X(0x11d97, 0x11d97)                                                                            \
    X(0x16ff0, 0x16ff1)                                                                            \
    X(0x1e130, 0x1e136)                                                                            \
    X(0x1e2ae, 0x1e2ae)                                                                            \
    X(0x1e2ec, 0x1e2ef)                                                                            \
    X(0x11930, 0x11930)                                                                            \
    X(0x11938, 0x11938)

#endif
