// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a partition, and a user with all of his partitions, may have of what the machine has little
 * of: 255 partitions and 2,048 event flags. A process with CAP_SYS_RESOURCE makes partitions that no
 * user's quota counts; a partition's own quotas bind all. The quotas are parameters of the module.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "vid.h"

struct vid_user {
	struct list_head list;
	kuid_t uid;
	u32 partitions, flags;
};

static DEFINE_MUTEX(users_lock);
static LIST_HEAD(users); /* users_lock, as all that is in it */

static unsigned int partitions_per_user = 64;
module_param(partitions_per_user, uint, 0644);
MODULE_PARM_DESC(partitions_per_user, "Partitions that a user may have at a time");

static unsigned int flags_per_user = 512;
module_param(flags_per_user, uint, 0644);
MODULE_PARM_DESC(flags_per_user, "Event flags (one a VP, one a doorbell) that a user may have");

static unsigned int flags_per_partition = 96;
module_param(flags_per_partition, uint, 0644);
MODULE_PARM_DESC(flags_per_partition, "Event flags that a partition may have");

static unsigned int vps_per_partition = 64;
module_param(vps_per_partition, uint, 0644);
MODULE_PARM_DESC(vps_per_partition, "VPs that a partition may have");

static struct vid_user *find(kuid_t uid)
{
	struct vid_user *user;

	list_for_each_entry(user, &users, list) if (uid_eq(user->uid, uid)) return user;
	user = kzalloc(sizeof(*user), GFP_KERNEL);
	if (!user)
		return NULL;
	user->uid = uid;
	list_add(&user->list, &users);
	return user;
}

static void forget_if_idle(struct vid_user *user)
{
	if (user->partitions)
		return;
	list_del(&user->list);
	kfree(user);
}

static int join(struct vid_user *user)
{
	if (!user)
		return -ENOMEM;
	if (user->partitions >= READ_ONCE(partitions_per_user)) {
		forget_if_idle(user);
		return -EDQUOT;
	}
	user->partitions++;
	return 0;
}

int vid_quota_join(struct vid_partition *p)
{
	int r;

	if (capable(CAP_SYS_RESOURCE))
		return 0;
	mutex_lock(&users_lock);
	p->user = find(current_uid());
	r = join(p->user);
	mutex_unlock(&users_lock);
	return r;
}

void vid_quota_leave(struct vid_partition *p)
{
	if (!p->user)
		return;
	mutex_lock(&users_lock);
	p->user->partitions--;
	forget_if_idle(p->user);
	mutex_unlock(&users_lock);
}

int vid_quota_take_flag(struct vid_partition *p)
{
	int r = -EDQUOT;

	mutex_lock(&users_lock);
	if (p->flags < READ_ONCE(flags_per_partition) &&
	    (!p->user || p->user->flags < READ_ONCE(flags_per_user))) {
		p->flags++;
		if (p->user)
			p->user->flags++;
		r = 0;
	}
	mutex_unlock(&users_lock);
	return r;
}

void vid_quota_give_flag(struct vid_partition *p)
{
	mutex_lock(&users_lock);
	p->flags--;
	if (p->user)
		p->user->flags--;
	mutex_unlock(&users_lock);
}

u32 vid_quota_vps(void)
{
	return READ_ONCE(vps_per_partition);
}
