# exiftool, unchanged (`--repl exiftool`, its own -stay_open).
#
# It is a large program in Perl: most of the time for one picture is that of compiling it. A job is the arguments of a
# call, one a line; jobs of several lines are ended by NUL.
#
#     printf '%s\n%s\0' -ImageSize a.jpg -Comment b.jpg | prefork run --input nul --repl exiftool
title='exiftool, size and type of a picture'
apt='libimage-exiftool-perl python3'

prepare() { python3 "$gallery/pictures.py" "$count"; }

jobs() { ls picture*.png; }

cold() { exiftool -T -ImageSize -FileType -Comment "$1"; }

warm() {
  while IFS= read -r file; do printf '%s\n' -T -ImageSize -FileType -Comment "$file" && printf '\0'; done |
    "$prefork" run -q -w 1 --input nul --repl exiftool
}
