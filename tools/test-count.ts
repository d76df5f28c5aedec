export type Count = { passed: number; failed: number };

/** The part of Vitest's JSON report that counts. */
export type Report = {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
};

/** Also counts what Vitest has no test for: a file that does not load, a run that breaks, a run without tests. */
export function countOf(report: Report | undefined, exitCode: number): Count {
  if (!report) return { passed: 0, failed: 1 };
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((result) => result.status === "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}
