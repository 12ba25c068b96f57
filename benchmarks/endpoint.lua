-- Send the requests of a file in random order, and print the measurements as JSON in the last line.
local requests = {}

function init(arguments)
  math.randomseed(1)
  for line in io.lines(arguments[1]) do
    local path, company, key = line:match("^(%S+) (%S+) (%S+)$")
    requests[#requests + 1] = wrk.format("GET", path, { ["X-company-id"] = company, ["X-apiKey"] = key })
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"responses": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
