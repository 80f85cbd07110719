# Reads ctest's JUnit report and prints "N passed, N failed[, N skipped]", counting test cases: every program prints how
# many it ran, in Catch2's or Python unittest's summary; one without a summary is one test. `smoke` is "passed",
# "failed" or "none". Exits 1 when a test failed or none was found.
function find(pattern, text) { # the number inside a match, 0 without one
  if (!match($0, pattern)) return 0
  text = substr($0, RSTART, RLENGTH); gsub(/[^0-9]/, "", text); return text + 0
}
/<testcase /  { cases = 1; failed_cases = skipped_cases = all_skipped = 0; bad = ($0 !~ /status="run"/) }
/All tests passed \(/     { cases = find("in [0-9]+ test case") }
/test cases: +[0-9]+ \|/  { cases = find("cases: +[0-9]+"); failed_cases = find("[0-9]+ failed") }
/No tests ran/            { cases = 0 }
/Ran [0-9]+ tests? in/    { cases = find("Ran [0-9]+") }
/\(.*(failures|errors|skipped)=/ {
  failed_cases += find("failures=[0-9]+") + find("errors=[0-9]+")
  skipped_cases += find("skipped=[0-9]+")
}
/<skipped/ { all_skipped = 1; bad = 0 } # for want of a GPU
/<\/testcase>/ {
  if (all_skipped) skipped_cases = cases
  if (bad && !failed_cases) failed_cases = 1
  if (cases < failed_cases + skipped_cases) cases = failed_cases + skipped_cases
  failed += failed_cases; skipped += skipped_cases; passed += cases - failed_cases - skipped_cases
}
END {
  if (!(passed + failed + skipped)) failed++
  if (smoke == "passed") passed++
  if (smoke == "failed") failed++
  printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
  exit failed > 0
}
