-- The script of wrk. Arguments, behind `--`:
--   again           each connection requests the URL again and again
--   once N          each of N connections requests the URL once (with -tN = 1)
--   missing FROM    each request is for another missing module, with numbers from FROM on (with -t1)

local ffi = require("ffi")
ffi.cdef("int getpid(); int kill(int, int);")
local SIGINT = 2

-- args[0] is the URL.
function init(args)
   local number = tonumber(args[2])
   if args[1] == "once" then
      local turns = 0
      -- Called before the first request of a connection and after each response.
      function delay()
         turns = turns + 1
         if turns <= number then return 0 end
         -- All are done: wrk ends and reports.
         if turns == 2 * number then ffi.C.kill(ffi.C.getpid(), SIGINT) end
         return 3600 * 1000
      end
   elseif args[1] == "missing" then
      function request()
         number = number + 1
         return wrk.format("GET", "/example.com/missing" .. number .. "/@v/v1.0.0.mod")
      end
   end
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format("RESULT %d %d %d %d %d", summary.duration, latency.max, summary.bytes, summary.requests,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
