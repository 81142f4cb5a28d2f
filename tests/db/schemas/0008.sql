BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE checkpoints (
	run_id VARCHAR(10) NOT NULL, 
	epoch INTEGER NOT NULL, 
	path VARCHAR(80) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	CONSTRAINT checkpoints_pk PRIMARY KEY (run_id, epoch), 
	CONSTRAINT checkpoints_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "checkpoints" VALUES('keptrun001',2,'keptrun001/epoch-000002-0011223344556677.pt',5000000000);
CREATE TABLE checkpoints_to_delete (
	path VARCHAR(80) NOT NULL, 
	checkpoint_store VARCHAR(32) NOT NULL, 
	CONSTRAINT checkpoints_to_delete_pk PRIMARY KEY (path)
);
INSERT INTO "checkpoints_to_delete" VALUES('keptrun001/epoch-000001-0011223344556677.pt','shelf-a');
CREATE TABLE checks (
	id VARCHAR(64) NOT NULL, 
	config TEXT NOT NULL, 
	workers TEXT NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	worker_id VARCHAR(32), 
	begun_at DATETIME, 
	ended_at DATETIME, 
	answer TEXT, 
	CONSTRAINT checks_pk PRIMARY KEY (id), 
	CONSTRAINT checks_state CHECK (state IN ('pending', 'running', 'ok', 'failed', 'unknown'))
);
CREATE TABLE epochs (
	run_id VARCHAR(10) NOT NULL, 
	epoch INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	learning_rate DOUBLE, 
	train_loss DOUBLE, 
	train_accuracy DOUBLE, 
	test_loss DOUBLE, 
	test_accuracy DOUBLE, 
	frozen_counts BLOB NOT NULL, applied_fraction DOUBLE, frozen_fraction DOUBLE, samples BIGINT, train_seconds DOUBLE, cpu_seconds DOUBLE, device_seconds DOUBLE, flops_forward DOUBLE, flops_inputs DOUBLE, flops_weights DOUBLE, 
	CONSTRAINT epochs_pk PRIMARY KEY (run_id, epoch), 
	CONSTRAINT epochs_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "epochs" VALUES('keptrun001',0,2,0.1,1.0,0.5,1.0,0.5,X'0000000000000000',0.0,0.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "epochs" VALUES('keptrun001',1,3,0.1,1.0,0.5,1.0,0.5,X'0100000001000000',0.0,1.53846153846153854694e-01,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "epochs" VALUES('keptrun001',2,4,0.1,1.0,0.5,1.0,0.5,X'0200000002000000',0.0,3.07692307692307709388e-01,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE events (
	run_id VARCHAR(10) NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	at DATETIME NOT NULL, 
	payload TEXT NOT NULL, 
	layers BLOB, 
	CONSTRAINT events_pk PRIMARY KEY (run_id, seq), 
	CONSTRAINT events_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "events" VALUES('keptrun001',1,'run_started','2026-11-21 11:30:55.279077','{"kind":"run_started","layers":[{"index":0,"name":"layer0","neurons":10},{"index":1,"name":"layer1","neurons":3}],"neurons":13}',NULL);
INSERT INTO "events" VALUES('keptrun001',2,'epoch_finished','2026-11-21 11:30:55.279443','{"kind":"epoch_finished","epoch":0}',X'7801AB564A2BCAAF4ACD53B28A36D03188AD05002F8D054F');
INSERT INTO "events" VALUES('keptrun001',3,'epoch_finished','2026-11-21 11:30:55.279517','{"kind":"epoch_finished","epoch":1}',X'7801AB564A2BCAAF4ACD53B28A36D4318CAD05002F950551');
INSERT INTO "events" VALUES('keptrun001',4,'epoch_finished','2026-11-21 11:30:55.279566','{"kind":"epoch_finished","epoch":2}',X'7801AB564A2BCAAF4ACD53B28A36D2318AAD05002F9D0553');
INSERT INTO "events" VALUES('keptrun001',5,'run_finished','2026-11-21 11:30:55.279571','{"kind":"run_finished"}',NULL);
CREATE TABLE metric_points (
	run_id VARCHAR(10) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	first INTEGER NOT NULL, 
	points BLOB NOT NULL, 
	CONSTRAINT metric_points_pk PRIMARY KEY (run_id, name, first), 
	CONSTRAINT metric_points_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "metric_points" VALUES('keptrun001','learning_rate',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA419A9999999999B93F9A9999999999B93F9A9999999999B93F000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','train_loss',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA41000000000000F03F000000000000F03F000000000000F03F000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','train_accuracy',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA41000000000000E03F000000000000E03F000000000000E03F000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','test_loss',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA41000000000000F03F000000000000F03F000000000000F03F000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','test_accuracy',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA41000000000000E03F000000000000E03F000000000000E03F000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','applied_fraction',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA41000000000000000000000000000000000000000000000000000000000000000001000000000000000200000000000000000000000100000002000000');
INSERT INTO "metric_points" VALUES('keptrun001','frozen_fraction',0,X'65E2D13B60C0DA419BE3D13B60C0DA4169E4D13B60C0DA410000000000000000143BB1133BB1C33F143BB1133BB1D33F000000000000000001000000000000000200000000000000000000000100000002000000');
CREATE TABLE metrics (
	run_id VARCHAR(10) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	points INTEGER NOT NULL, 
	merged INTEGER NOT NULL, 
	chunks INTEGER NOT NULL, 
	last DOUBLE, 
	last_step BIGINT NOT NULL, 
	last_epoch INTEGER, 
	minimum DOUBLE, 
	maximum DOUBLE, 
	CONSTRAINT metrics_pk PRIMARY KEY (run_id, name), 
	CONSTRAINT metrics_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "metrics" VALUES('keptrun001','learning_rate',3,0,1,0.1,2,2,0.1,0.1);
INSERT INTO "metrics" VALUES('keptrun001','train_loss',3,0,1,1.0,2,2,1.0,1.0);
INSERT INTO "metrics" VALUES('keptrun001','train_accuracy',3,0,1,0.5,2,2,0.5,0.5);
INSERT INTO "metrics" VALUES('keptrun001','test_loss',3,0,1,1.0,2,2,1.0,1.0);
INSERT INTO "metrics" VALUES('keptrun001','test_accuracy',3,0,1,0.5,2,2,0.5,0.5);
INSERT INTO "metrics" VALUES('keptrun001','applied_fraction',3,0,1,0.0,2,2,0.0,0.0);
INSERT INTO "metrics" VALUES('keptrun001','frozen_fraction',3,0,1,3.07692307692307709388e-01,2,2,0.0,3.07692307692307709388e-01);
CREATE TABLE runs (
	id VARCHAR(10) NOT NULL, 
	revision INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	heartbeat_at DATETIME, 
	stop_requested BOOLEAN NOT NULL, 
	writer_id VARCHAR(32), 
	last_seq INTEGER NOT NULL, 
	epochs_done INTEGER NOT NULL, 
	neurons INTEGER, 
	test_accuracy DOUBLE, 
	best_test_accuracy DOUBLE, 
	frozen_fraction DOUBLE, 
	device TEXT, 
	reason TEXT, 
	name TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	progress TEXT, 
	config TEXT NOT NULL, 
	notes TEXT NOT NULL, 
	searchable TEXT NOT NULL, parent_id VARCHAR(10), parent_epoch INTEGER, checkpoint_store VARCHAR(32), checkpoint_epoch INTEGER, interruptions INTEGER DEFAULT '0' NOT NULL, warnings TEXT, source VARCHAR(8) DEFAULT 'launched' NOT NULL CONSTRAINT runs_source CHECK (source IN ('launched', 'external')), "group" VARCHAR(100), writer_seq INTEGER DEFAULT '0' NOT NULL, epochs_planned INTEGER, priority INTEGER DEFAULT '0' NOT NULL, held BOOLEAN DEFAULT 0 NOT NULL, queue_rank DOUBLE DEFAULT '0' NOT NULL, archived BOOLEAN DEFAULT 0 NOT NULL, cost_key VARCHAR(64), 
	CONSTRAINT runs_pk PRIMARY KEY (id), 
	CONSTRAINT runs_state CHECK (state IN ('queued', 'running', 'finished', 'stopped', 'failed'))
);
INSERT INTO "runs" VALUES('keptrun001',7,'finished','2026-11-21 11:30:55.204149','2026-11-21 11:30:55.258716','2026-11-21 11:30:55.349729','2026-11-21 11:30:55.349729',0,'76fddc756e58a17d',5,3,13,0.5,0.5,3.07692307692307709388e-01,'CPU',NULL,'kept',',old,ä,',NULL,'{"training":{"epochs":3}}','n','keptrun001
kept
old ä
n','gone000001',0,'shelf-a',2,0,'[{"field":"training.batch_size","message":"All images are one batch."}]','launched',NULL,0,3,0,0,1.79526065520414900783e+09,0,NULL);
CREATE TABLE settings (
	path VARCHAR(200) NOT NULL, 
	run_id VARCHAR(10) NOT NULL, 
	text TEXT, 
	number DOUBLE, 
	CONSTRAINT settings_pk PRIMARY KEY (path, run_id), 
	CONSTRAINT settings_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "settings" VALUES('training.epochs','keptrun001',NULL,3.0);
CREATE TABLE snapshots (
	run_id VARCHAR(10) NOT NULL, 
	layer INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	neurons INTEGER NOT NULL, 
	applied BLOB NOT NULL, 
	frozen BLOB NOT NULL, 
	velocity BLOB, 
	phi BLOB, divergence BLOB CONSTRAINT snapshots_divergence_floats CHECK (length(divergence) = neurons * 4), 
	CONSTRAINT snapshots_pk PRIMARY KEY (run_id, layer, epoch), 
	CONSTRAINT snapshots_run_id_fk FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE, 
	CONSTRAINT snapshots_frozen_bits CHECK (length(frozen) = (neurons + 7) / 8), 
	CONSTRAINT snapshots_applied_bits CHECK (length(applied) = (neurons + 7) / 8), 
	CONSTRAINT snapshots_velocity_floats CHECK (length(velocity) = neurons * 4), 
	CONSTRAINT snapshots_phi_floats CHECK (length(phi) = neurons * 4)
);
INSERT INTO "snapshots" VALUES('keptrun001',0,0,10,X'0000',X'0000',NULL,X'000000006F12833A6F12033BA69B443B6F12833B0AD7A33BA69BC43B4260E53B6F12033CBC74133C',NULL);
INSERT INTO "snapshots" VALUES('keptrun001',1,0,3,X'00',X'00',NULL,X'CDCCCC3D17D9CE3D60E5D03D',NULL);
INSERT INTO "snapshots" VALUES('keptrun001',0,1,10,X'0000',X'8000',X'000080BFC52080BF894180BF4E6280BF128380BFD7A380BF9CC480BF60E580BF250681BFE92681BF',X'0000803FC520803F8941803F4E62803F1283803FD7A3803F9CC4803F60E5803F2506813FE926813F',NULL);
INSERT INTO "snapshots" VALUES('keptrun001',1,1,3,X'00',X'80',X'CDCC8CBF91ED8CBF560E8DBF',X'CDCC8C3F91ED8C3F560E8D3F',NULL);
INSERT INTO "snapshots" VALUES('keptrun001',0,2,10,X'8000',X'C000',X'000000C0621000C0C52000C0273100C0894100C0EC5100C04E6200C0B07200C0128300C0759300C0',X'0000004062100040C52000402731004089410040EC5100404E620040B07200401283004075930040',NULL);
INSERT INTO "snapshots" VALUES('keptrun001',1,2,3,X'80',X'C0',X'666606C0C97606C02B8706C0',X'66660640C97606402B870640',NULL);
CREATE TABLE views (
	id VARCHAR(10) NOT NULL, 
	page VARCHAR(8) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	"query" TEXT NOT NULL, 
	changed_at DATETIME NOT NULL, 
	CONSTRAINT views_pk PRIMARY KEY (id), 
	CONSTRAINT views_page_uq UNIQUE (page, name)
);
CREATE TABLE workers (
	id VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	device TEXT NOT NULL, 
	slots INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	heard_at DATETIME NOT NULL, capabilities TEXT, 
	CONSTRAINT workers_pk PRIMARY KEY (id)
);
INSERT INTO "workers" VALUES('76fddc756e58a17d','w','h',1,'auto',1,'2026-11-21 11:30:55.229229','2026-11-21 11:30:55.229229',NULL);
CREATE INDEX runs_created_at_id ON runs (created_at, id);
CREATE INDEX runs_state_created_at_id ON runs (state, created_at, id);
CREATE INDEX events_run_id_kind_seq ON events (run_id, kind, seq);
CREATE INDEX checkpoints_path ON checkpoints (path);
CREATE INDEX checks_state_asked_at ON checks (state, asked_at);
CREATE INDEX checkpoints_to_delete_checkpoint_store ON checkpoints_to_delete (checkpoint_store);
CREATE INDEX runs_group_created_at_id ON runs ("group", created_at, id);
CREATE INDEX metrics_name_last ON metrics (name, last);
CREATE INDEX runs_state_queue_rank_id ON runs (state, queue_rank, id);
CREATE INDEX runs_cost_key_created_at ON runs (cost_key, created_at);
CREATE INDEX settings_run_id ON settings (run_id);
CREATE INDEX runs_archived_created_at_id_state_group ON runs (archived, created_at, id, state, "group");
COMMIT;
