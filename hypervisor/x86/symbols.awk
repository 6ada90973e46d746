# SPDX-License-Identifier: GPL-2.0-or-later
# `nm -n keelson` in, the assembly of the symbol table (see symbols.h) out.
BEGIN {
	print "\t.section .symbols, \"a\", @progbits"
	print "\t.globl symbol_table, symbol_count, symbol_names"
	print "\t.balign 8\nsymbol_table:"
}
$2 ~ /^[tT]$/ && $3 !~ /^\.L/ && substr($1, 1, 8) == "ffffffff" {
	printf "\t.long 0x%s, %d\n", substr($1, 9), offset
	names = names "\t.asciz \"" $3 "\"\n"
	offset += length($3) + 1
	count++
}
END {
	print "symbol_count:\n\t.long " count
	print "symbol_names:\n" names
	print "\t.section .note.GNU-stack, \"\", @progbits"
}
