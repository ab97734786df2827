import { library } from '../../tsup.shared.ts';

export default library(['src/index.ts', 'src/client.ts', 'src/fetch.ts', 'src/limits.ts', 'src/outbound.ts']);
