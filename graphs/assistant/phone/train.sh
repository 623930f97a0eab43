#!/bin/sh
# Starts the training of the assistant in the background, or goes on with it: data, tokenizer and module
# are made if they are missing. Options are passed to train.py, for example --steps 12000.
#
#     sh graphs/assistant/phone/train.sh
#
# PYTHON is the interpreter (torch and tokenizers), EXAMPLES the number of examples. Stop it with
# kill $(cat .cache/assistant/phone/run.pid): it saves its state first.
set -e
cd "$(dirname "$0")/../../.."
python=${PYTHON:-python3}
here=graphs/assistant/phone
cache=.cache/assistant/phone
if [ -f $cache/run.pid ] && kill -0 "$(cat $cache/run.pid)" 2>/dev/null; then
  echo "it is running, process $(cat $cache/run.pid); see $cache/run.log"
  exit 1
fi
[ -f $cache/train.jsonl ] || npx tsx $here/generate.ts "${EXAMPLES:-200000}"
[ -f $cache/run/tokenizer.json ] || $python $here/tokenizer.py $cache/train.jsonl $cache/run
npx lamella export $here/graph.ts --to pytorch --out $cache/pytorch
nohup nice -n 19 $python $cache/pytorch/train.py \
  --data $cache/train.jsonl --tokenizer $cache/run/tokenizer.json --out $cache/run \
  --validation $cache/values.jsonl $cache/wordings.jsonl $cache/functions.jsonl --validation-count 200 \
  --init mobilellm --optimizer muon --steps 7000 --batch 16 --warmup 100 --precision bf16 --save-every 500 "$@" >>$cache/run.log 2>&1 </dev/null &
echo $! >$cache/run.pid
echo "process $!; see $cache/run.log, and $cache/run with TensorBoard"
