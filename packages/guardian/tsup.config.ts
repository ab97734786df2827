import { library } from '../../tsup.shared.ts';

export default library(['src/index.ts', 'src/cedar.ts', 'src/cedar-web.ts', 'src/agent.ts']);
