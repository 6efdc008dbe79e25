# The embeddings of embeddings.sh, 16 sentences a call (`--batch 16`).
#
# One product of large matrices takes less time than 16 of small ones. On a CPU that saves little, some 15 %: shorter
# sentences are padded to the longest of their batch, and the CPU was busy before. It is a GPU that gains.
. "$gallery/embeddings.sh"
title='all-MiniLM-L6-v2, 16 sentences a call'
option='--batch'

warm() { "$prefork" run -q -w 1 --queue 64 --batch 16 --protocol jsonrpc -- python3 "$gallery/embeddings.py"; }
