/** Addresses of the pages. */

export const paths = {
  signIn: "/sign-in",
  newTenant: "/new-tenant",
  overview: (tenant: string) => `/t/${tenant}`,
  tasks: (tenant: string) => `/t/${tenant}/tasks`,
  newTask: (tenant: string) => `/t/${tenant}/new-task`,
  setUpTask: (tenant: string, task: string) => `/t/${tenant}/new-task/${task}`,
  compareNewest: (tenant: string, task: string) => `/t/${tenant}/tasks/${task}/compare`,
  compare: (tenant: string, task: string, one: number, other: number) =>
    `/t/${tenant}/tasks/${task}/compare?versions=${one},${other}`,
  task: (tenant: string, task: string) => `/t/${tenant}/tasks/${task}`,
  tryTask: (tenant: string, task: string) => `/t/${tenant}/tasks/${task}/try`,
  training: (tenant: string, task: string, id: string) => `/t/${tenant}/tasks/${task}/trainings/${id}`,
  version: (tenant: string, task: string, number: number) => `/t/${tenant}/tasks/${task}/versions/${number}`,
  datasets: (tenant: string) => `/t/${tenant}/datasets`,
  dataset: (tenant: string, id: string) => `/t/${tenant}/datasets/${id}`,
  domains: (tenant: string) => `/t/${tenant}/domains`,
  domain: (tenant: string, domain: string) => `/t/${tenant}/domains/${domain}`,
  deletions: (tenant: string) => `/t/${tenant}/deletions`,
  members: (tenant: string) => `/t/${tenant}/members`,
  settings: (tenant: string) => `/t/${tenant}/settings`,
  usage: (tenant: string) => `/t/${tenant}/usage`,
  keys: (tenant: string) => `/t/${tenant}/keys`,
};
