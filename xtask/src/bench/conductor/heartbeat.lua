-- Heartbeats of 200 agents: every request is an event of its own, as rig-report sends it.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   count = 0
   local body = body_of(0)
   head = "POST /api/events HTTP/1.1\r\nHost: " .. args[1] .. "\r\nAuthorization: Bearer " .. args[2] ..
      "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n"
   run = args[3]
end

-- Always of the same length, so that the head can be made once.
function body_of(n)
   return string.format(
      '{"type":"HEARTBEAT","eventId":"%s-%04x-7000-8000-%012x","occurredAt":"2026-01-02T03:04:05Z",' ..
      '"agentId":"dev-e-%03d","sessionId":"e7891014-f053-40e9-b560-155318b0abf7","status":"working",' ..
      '"currentIssue":42,"currentRepo":"acme/app"}',
      run or "01930000", number or 0, n, n % 200)
end

function request()
   count = count + 1
   return head .. body_of(count)
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      '\nfigures: {"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"max":%.3f,' ..
      '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
      e.connect, e.read, e.write, e.status, e.timeout))
end
