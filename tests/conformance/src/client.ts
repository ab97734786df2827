// The client under test: the suite runs it as a process, with a scenario's name and facts in the environment and the server's URL last.
import { scenarioOf } from './client-scenarios.ts';

const { MCP_CONFORMANCE_SCENARIO: name = '', MCP_CONFORMANCE_CONTEXT: context = '{}', MCP_CONFORMANCE_PROTOCOL_VERSION: revision } = process.env;
const scenario = scenarioOf(name);
const url = process.argv.at(-1);
if (scenario === undefined || url === undefined) {
  console.error(`no scenario ${JSON.stringify(name)}`);
  process.exit(1);
}
try {
  await scenario({ url, modern: revision === '2026-07-28', context: JSON.parse(context) });
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
