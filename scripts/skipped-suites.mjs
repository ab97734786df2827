/** @typedef {{ relativeModuleId: string, children: { allSuites(): Iterable<{ name: string }> } }} Module */

/**
 * A reporter that says at the end which suites did not run for want of a server: see `describeWithEngine` of tests/engines.
 *
 * @param {(text: string) => void} write
 */
export function skippedSuites(write = (text) => void process.stderr.write(text)) {
  return {
    /** @param {readonly Module[]} modules */
    onTestRunEnd(modules) {
      const skipped = modules.flatMap(({ relativeModuleId, children }) =>
        [...children.allSuites()].filter(({ name }) => / \(skipped: /.test(name)).map(({ name }) => `  ${relativeModuleId}  ${name}\n`),
      );
      if (skipped.length > 0) write(`\nNot run, for want of a server (CI runs them):\n${skipped.join('')}`);
    },
  };
}
