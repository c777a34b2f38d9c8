/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A file as a C string: the build defines NAME and FILE. The assembler's .incbin takes no time and
 * needs no tool of ours; an array written out in C would need both.
 */
    .section .rodata
    .global NAME
    .type NAME, %object
NAME:
    .incbin FILE
    .byte 0
    .size NAME, . - NAME
    .section .note.GNU-stack, "", %progbits
