/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * gb_shim.cc - the only C++: hands our windows to Google Benchmark as repetitions.
 *
 * Its reporter is wrapped for four things the library has no knob for: names stay as registered (it would append
 * /iterations:1/repeats:N/manual_time, and names are a contract here), cpu_time is the whole process's per operation
 * instead of what the callback cost, no value is NaN (the cv of a counter that is 0 would be: invalid JSON), and a row
 * may have a histogram beside its counters.
 */
#include "gb_shim.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Run = benchmark::BenchmarkReporter::Run;

const char kAbsent[] = "not measured";

struct Entry {
	std::string name;
	unsigned int threads;
	unsigned int called;
	gb_fn *fn;
	void *arg;
	std::vector<double> cpu_ns; /* by repetition */
	std::vector<std::string> histogram; /* the same; empty: none */
};

std::map<std::string, Entry> entries;

void Call(benchmark::State &state, Entry *entry)
{
	gb_sample s = {};

	entry->fn(entry->arg, entry->called++, &s);
	/* One iteration in any case: the library aborts if the repetitions of a benchmark differ in that. */
	for (auto _ : state)
		state.SetIterationTime(s.real_ns * 1e-9);
	if (s.absent || s.error) {
		state.SkipWithError(s.absent ? kAbsent : s.error);
		return;
	}
	entry->cpu_ns.push_back(s.cpu_ns);
	entry->histogram.push_back(s.histogram ? s.histogram : "");
	for (size_t i = 0; i < s.nr; i++)
		state.counters[s.counters[i].name] = s.counters[i].value;
}

double Mean(const std::vector<double> &v)
{
	double sum = 0;

	for (double x : v)
		sum += x;
	return v.empty() ? 0 : sum / v.size();
}

double Stddev(const std::vector<double> &v)
{
	double mean = Mean(v), sum = 0;

	for (double x : v)
		sum += (x - mean) * (x - mean);
	return v.size() < 2 ? 0 : std::sqrt(sum / (v.size() - 1));
}

double Median(std::vector<double> v)
{
	size_t n = v.size();

	std::sort(v.begin(), v.end());
	if (!n)
		return 0;
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* What the library computes of real_time, for cpu_time. */
double Aggregate(const std::string &what, const std::vector<double> &v)
{
	if (what == "mean")
		return Mean(v);
	if (what == "median")
		return Median(v);
	if (what == "stddev")
		return Stddev(v);
	return Mean(v) > 0 ? Stddev(v) / Mean(v) : 0;
}

class Reporter : public benchmark::JSONReporter {
public:
	void ReportRuns(const std::vector<Run> &runs) override
	{
		size_t nr = 0;

		for (const Run &run : runs) {
			if (run.error_occurred && run.error_message == kAbsent)
				continue;
			Report(run, nr);
			nr += !run.error_occurred;
		}
	}

private:
	/* One row, with its histogram put in before the brace that the library ends it with. */
	void Report(Run run, size_t nr)
	{
		const Entry &entry = entries.at(run.run_name.function_name);
		const bool sample = run.run_type == Run::RT_Iteration && nr < entry.histogram.size();
		const std::string histogram = sample ? entry.histogram[nr] : "";
		std::ostream &out = GetOutputStream();
		std::ostringstream row;
		std::string text;

		Fix(&run, nr);
		SetOutputStream(&row);
		benchmark::JSONReporter::ReportRuns({ run });
		SetOutputStream(&out);
		text = row.str();
		if (!histogram.empty())
			text.insert(text.rfind("\n    }"), ",\n      \"histogram_ns\": " + histogram);
		out << text;
	}

	/* @nr: this one's place among the repetitions that gave a time */
	static void Fix(Run *run, size_t nr)
	{
		const Entry &entry = entries.at(run->run_name.function_name);
		const std::vector<double> &cpu_ns = entry.cpu_ns;
		/* The library divides times by iterations (an aggregate's: repetitions), ratios by nothing. */
		const double scale = run->aggregate_unit == benchmark::kPercentage ? 1 : 1e-9 * run->iterations;

		run->run_name = benchmark::BenchmarkName();
		run->run_name.function_name = entry.name;
		run->threads = entry.threads;
		if (run->run_type == Run::RT_Aggregate)
			run->cpu_accumulated_time = Aggregate(run->aggregate_name, cpu_ns) * scale;
		else
			run->cpu_accumulated_time = nr < cpu_ns.size() ? cpu_ns[nr] * scale : 0;
		for (auto it = run->counters.begin(); it != run->counters.end();)
			it = std::isfinite(it->second.value) ? std::next(it) : run->counters.erase(it);
	}
};

/* The library writes the host's name and offers no way not to. */
void ReplaceHost(std::string *json, const std::string &host)
{
	const std::string key = "\"host_name\": \"";
	size_t from = json->find(key);

	if (from == std::string::npos)
		return;
	from += key.size();
	json->replace(from, json->find('"', from) - from, host);
}

} // namespace

void gb_register(const char *name, unsigned int threads, unsigned int repetitions, gb_fn *fn, void *arg)
{
	Entry *entry = &entries[name];

	*entry = Entry{ name, threads, 0, fn, arg, {}, {} };
	benchmark::RegisterBenchmark(name, [entry](benchmark::State &state) { Call(state, entry); })
		->UseManualTime()
		->Iterations(1)
		->Repetitions(static_cast<int>(repetitions));
}

void gb_context(const char *key, const char *value)
{
	benchmark::AddCustomContext(key, value);
}

char *gb_run(const char *host, size_t *size)
{
	char name[] = "gpuvm-bench", *argv[] = { name, nullptr }, *copy;
	std::ostringstream text;
	Reporter reporter;
	std::string json;
	int argc = 1;

	benchmark::Initialize(&argc, argv);
	reporter.SetOutputStream(&text);
	benchmark::RunSpecifiedBenchmarks(&reporter, ".");
	benchmark::Shutdown();
	json = text.str();
	ReplaceHost(&json, host);
	copy = static_cast<char *>(std::malloc(json.size() + 1));
	if (copy)
		std::memcpy(copy, json.c_str(), json.size() + 1);
	*size = json.size();
	return copy;
}
