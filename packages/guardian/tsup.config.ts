import { library } from '../../tsup.shared.ts';

export default library(['src/index.ts', 'src/agent.ts', 'src/cedar.ts', 'src/cedar-web.ts', 'src/oauth.ts']);
