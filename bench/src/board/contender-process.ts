// One measure of one contender, in a process of its own: its name, the measure's, and the sizes as JSON.
import { type ContenderName, contenders } from './contenders.ts';
import { type MeasureName, measures } from './measures.ts';

const [name, measure, sizes = ''] = process.argv.slice(2);
const open = await contenders[name as ContenderName]();
process.send?.(await measures[measure as MeasureName](await open(), JSON.parse(sizes)));
