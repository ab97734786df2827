/** The Cedar schema every policy is checked against when it is loaded. */
export const standardSchema = `
namespace Meshwork {
  entity Role;
  entity Agent in [Role] = { id: String, allowed: Set<String> };
  entity User in [Role] = { id: String };
  entity Anonymous;

  entity Tool = { name: String, category: String, effect: String };
  entity Document = { uri: String };
  entity ResourceType = { name: String, everyday: Bool, remote: Bool };
  // A key of a shared board; the empty key is the board as a whole.
  entity BoardKey = { board: String, key: String };

  // Facts the hub has verified. zone is "local", "trusted" or "external"; trust is 0 to 100.
  type Place = { zone: String, trust: Long };
  type Request = { zone: String, trust: Long, scope: String, time: Long, requestsLastMinute: Long };

  action call appliesTo { principal: [Agent, User, Anonymous], resource: [Tool], context: Place };
  action read appliesTo { principal: [Agent, User, Anonymous], resource: [Document], context: Place };
  action request appliesTo { principal: [Agent], resource: [ResourceType], context: Request };
  action readBoard, writeBoard appliesTo { principal: [Agent, User, Anonymous], resource: [BoardKey], context: Place };
}
`;
