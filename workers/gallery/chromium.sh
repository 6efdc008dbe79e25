# Chromium, rendering pages: render_page.py keeps one browser and opens each page in a fresh tab.
#
# A browser takes a second to start, with a handful of processes; a small page is rendered in some ten milliseconds. A
# job is the name of an HTML file, or a URL; the answer its title, its height, and a checksum of its picture.
#
#     ls *.html | prefork run -w 2 --protocol jsonrpc -- python3 workers/gallery/render_page.py
title='Chromium, a page rendered to a picture'
apt='chromium-headless-shell python3'
count=60
sample=5

prepare() {
  local number
  for ((number = 100; number < 100 + count; number++)); do
    cat >"page$number.html" <<END
<!doctype html><meta charset=utf-8><title>loading</title>
<style>li:nth-child(odd) { color: #a40 } ul { columns: 3; font: 13px sans-serif }</style>
<ul></ul>
<script>
for (let i = 0; i < $number; i++) {
  document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: i * $number }));
}
document.title = 'page $number with ' + document.querySelectorAll('li').length + ' items';
</script>
END
  done
}

jobs() { ls "$PWD"/page*.html; }

cold() { python3 "$gallery/render_page.py" <<<"$1"; }

warm() { "$prefork" run -q -w 1 --protocol jsonrpc -- python3 "$gallery/render_page.py"; }
