-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For wrk: wrk … -s wrk.lua URL -- create|get|same. What is secret, or names a body's file, comes by the environment.

local kind
local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

function init(args)
   kind = args[1]
   math.randomseed(os.time() * 100 + number)
   if os.getenv("BENCH_KEY") then
      wrk.headers["X-API-Key"] = os.getenv("BENCH_KEY")
   end
   if kind == "create" then
      local body = assert(io.open(os.getenv("BENCH_BODY"))):read("*a")
      local at = body:find("@@@@@@@@@@@@@@@@", 1, true)

      before, behind = body:sub(1, at - 1), body:sub(at + 16)
      count = 0
      wrk.method = "POST"
      wrk.headers["Content-Type"] = "application/json"
   elseif kind == "get" then
      rows = tonumber(os.getenv("BENCH_ROWS"))
   end
   same = wrk.format()
end

function request()
   if kind == "create" then
      count = count + 1
      return wrk.format(nil, nil, nil, string.format("%s%02d%05d%09d%s", before, number, math.random(0, 99999), count, behind))
   elseif kind == "get" then
      return wrk.format(nil, string.format("%strace_%022d", wrk.path, math.random(rows)))
   end
   return same
end

function done(summary, latency)
   local e = summary.errors

   io.write(string.format("bench %d %d %d %d %d\n", summary.requests, summary.duration, e.status,
                          e.connect + e.read + e.write + e.timeout, latency:percentile(99)))
end
