/** Addresses of the pages. */

export const paths = {
  signIn: "/sign-in",
  newTenant: "/new-tenant",
  tasks: (tenant: string) => `/t/${tenant}/tasks`,
  newTask: (tenant: string) => `/t/${tenant}/new-task`,
  task: (tenant: string, task: string) => `/t/${tenant}/tasks/${task}`,
  tryTask: (tenant: string, task: string) => `/t/${tenant}/tasks/${task}/try`,
  training: (tenant: string, task: string, id: string) => `/t/${tenant}/tasks/${task}/trainings/${id}`,
  version: (tenant: string, task: string, number: number) => `/t/${tenant}/tasks/${task}/versions/${number}`,
  datasets: (tenant: string) => `/t/${tenant}/datasets`,
  dataset: (tenant: string, id: string) => `/t/${tenant}/datasets/${id}`,
  keys: (tenant: string) => `/t/${tenant}/keys`,
};
