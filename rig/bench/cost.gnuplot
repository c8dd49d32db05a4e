# SPDX-License-Identifier: GPL-2.0
#
# Plot dm-crypt's cost over the size of I/O, reading on the left and writing on the right.
#
# usage: gnuplot -c cost.gnuplot FILE RUN UNIT SVG

set terminal svg size 1000,450 dynamic font 'sans,11' background rgb 'white'
set output ARG4
set multiplot layout 1,2 title ARG2 . ": dm-crypt's own cost"
set key top right
set xlabel "size of I/O"
set ylabel ARG3 . " for 512 bytes"
set xrange [-0.2:4.2]
set yrange [0:*]
set xtics ("4k" 0, "16k" 1, "64k" 2, "128k" 3, "1m" 4)
set grid ytics

# values(line, rw): a command that prints the values of a line of the plot, one for each size
# of I/O.  "line" is the beginning of the names of its cells (see matrix.py), a colon, and the
# name of a value.
values(line, rw) = "jq -r --arg run " . ARG2 . " --arg line " . line . " --arg rw " . rw \
	. ' ''($line / ":") as [$cell, $value] | .[] | select(.name == $run).cells[]' \
	. ' | select(.name == "\($cell)-\($rw)-\(.bs)")' \
	. ' | [({"4k": 0, "16k": 1, "64k": 2, "128k": 3, "1m": 4})[.bs], .[$value]] | @tsv'' ''' \
	. ARG1 . "'"

lines = ""
do for [line in "crypt-512:unpatched crypt-512:off crypt-512:on crypt-4096:unpatched" . \
		" crypt-4096:on inlinecrypt-512:unpatched cipher-512:on"] {
	if (strlen(system(values(line, "read")))) { lines = lines . " " . line }
}
do for [rw in "read write"] {
	set title rw
	plot for [line in lines] "< " . values(line, rw) with linespoints title line \
		linewidth 2 pointtype 7
}
unset multiplot
