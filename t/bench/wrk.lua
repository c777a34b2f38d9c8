-- Licensed under the Apache License, Version 2.0; see LICENSE.
-- For wrk: wrk … -s wrk.lua URL -- create|get|same. What is secret, or names a body's file, comes by the environment.

local kind
local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

-- A request is put together of three strings: the load generator shares the processors with what it measures.
local MARK = "@@@@@@@@@@@@@@@@"
local before, behind, same

function init(args)
   kind = args[1]
   math.randomseed(os.time() * 100 + number)
   if os.getenv("BENCH_KEY") then
      wrk.headers["X-API-Key"] = os.getenv("BENCH_KEY")
   end
   if kind == "create" then
      count = 0
      wrk.headers["Content-Type"] = "application/json"
      same = wrk.format("POST", nil, nil, assert(io.open(os.getenv("BENCH_BODY"))):read("*a"))
   elseif kind == "get" then
      rows = tonumber(os.getenv("BENCH_ROWS"))
      same = wrk.format("GET", wrk.path .. "trace_" .. MARK)
   else
      same = wrk.format()
      return
   end
   local at = same:find(MARK, 1, true)

   before, behind = same:sub(1, at - 1), same:sub(at + #MARK)
end

function request()
   if kind == "create" then
      count = count + 1
      return before .. string.format("%02d%05d%09d", number, math.random(0, 99999), count) .. behind
   elseif kind == "get" then
      return before .. string.format("%022d", math.random(rows)) .. behind
   end
   return same
end

function done(summary, latency)
   local e = summary.errors

   io.write(string.format("bench %d %d %d %d %d\n", summary.requests, summary.duration, e.status,
                          e.connect + e.read + e.write + e.timeout, latency:percentile(99)))
end
