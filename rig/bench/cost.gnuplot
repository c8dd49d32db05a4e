# SPDX-License-Identifier: GPL-2.0
#
# Plot dm-crypt's cost over the size of I/O, reading on the left and writing on the
# right.  plots.py sets data, lines, unit, heading, the terminal and its output.

set multiplot layout 1,2 title heading . ": dm-crypt's own cost"
set key top right
set xlabel "size of I/O"
set ylabel unit . " for 512 bytes"
set yrange [0:*]
set grid ytics
set style data linespoints
do for [i = 0:1] {
	set title (i == 0 ? "read" : "write")
	plot for [j = 2:lines + 1] data index i using j:xtic(1) title columnheader(j) \
		linewidth 2 pointtype 7
}
unset multiplot
