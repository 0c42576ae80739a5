-- Rotates over the bodies in a file, one a line; prints the result as one line of JSON, in the form of load-loop.mjs.
local requests, turn = {}, 0
function init(args)
  local headers = { ['content-type'] = 'application/json', ['accept'] = 'application/json' }
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format('POST', wrk.path, headers, body)
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format(
    '{"perSecond":%.2f,"requests":%d,"p50Ms":%.3f,"p99Ms":%.3f,"bytes":%d,"errors":%d}',
    summary.requests / summary.duration * 1e6, summary.requests, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout))
end
