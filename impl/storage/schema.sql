CREATE TABLE public.access_tokens (
    token_hash bytea NOT NULL,
    user_id text NOT NULL,
    device_id text NOT NULL,
    created_ts bigint NOT NULL,
    expires_ts bigint,
    refresh_token_hash bytea
);
CREATE TABLE public.account_data (
    user_id text NOT NULL,
    room_id text DEFAULT ''::text NOT NULL,
    type text NOT NULL,
    content text NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.auth_chains (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    chain bytea NOT NULL
);
CREATE TABLE public.backward_extremities (
    room_nid bigint NOT NULL,
    event_id text NOT NULL,
    depth bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.branching_rooms (
    room_nid bigint NOT NULL,
    due_ts bigint NOT NULL
);
CREATE TABLE public.changed_events (
    "position" bigint NOT NULL,
    room_nid bigint NOT NULL,
    changes_nid bigint,
    parent_nid bigint,
    wakes boolean NOT NULL,
    changed_ts bigint NOT NULL
);
CREATE TABLE public.client_transactions (
    user_id text NOT NULL,
    device_id text NOT NULL,
    scope text NOT NULL,
    txn_id text NOT NULL,
    event_id text NOT NULL,
    created_ts bigint NOT NULL
);
CREATE TABLE public.cross_signing_keys (
    user_id text NOT NULL,
    usage text NOT NULL,
    public_key text NOT NULL,
    key_json text NOT NULL
);
CREATE TABLE public.current_state (
    room_nid bigint NOT NULL,
    event_type text NOT NULL,
    state_key text NOT NULL,
    event_nid bigint NOT NULL
);
CREATE TABLE public.dehydrated_devices (
    user_id text NOT NULL,
    device_id text NOT NULL,
    device_data text NOT NULL
);
CREATE TABLE public.destinations (
    server_name text NOT NULL,
    name_hash bigint NOT NULL,
    served_position bigint,
    catch_up_position bigint,
    catch_up_room_nid bigint,
    failing_since_ts bigint,
    failure text,
    retry_ts bigint DEFAULT 0 NOT NULL,
    retry_interval_ms bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.device_keys (
    user_id text NOT NULL,
    device_id text NOT NULL,
    key_json text NOT NULL
);
CREATE TABLE public.device_list_changes (
    user_id text NOT NULL,
    device_id text NOT NULL,
    "position" bigint NOT NULL,
    gone_ts bigint,
    prev_position bigint
);
CREATE TABLE public.devices (
    user_id text NOT NULL,
    device_id text NOT NULL,
    display_name text,
    created_ts bigint NOT NULL,
    last_seen_ts bigint,
    last_seen_ip text,
    proved_ts bigint,
    last_seen_user_agent text
);
CREATE TABLE public.doubtful_device_changes (
    room_nid bigint NOT NULL,
    user_id text NOT NULL
);
CREATE TABLE public.event_edges (
    room_nid bigint NOT NULL,
    prev_event_id text NOT NULL,
    event_nid bigint NOT NULL
);
CREATE SEQUENCE public.event_nids
    START WITH 1
    INCREMENT BY 1024
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.events (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    event_id text NOT NULL,
    pdu text NOT NULL,
    auth_event_nids bigint[] NOT NULL,
    state_before bigint,
    state_after bigint,
    rejected_reason text,
    is_soft_failed boolean DEFAULT false NOT NULL,
    redacted_by_nid bigint,
    redacted_ts bigint,
    sender_device_id text,
    txn_id text,
    origin_server_ts bigint NOT NULL,
    came_ts bigint
);
ALTER TABLE ONLY public.events ALTER COLUMN pdu SET STORAGE EXTERNAL;
CREATE TABLE public.fallback_keys (
    user_id text NOT NULL,
    device_id text NOT NULL,
    algorithm text NOT NULL,
    key_id text NOT NULL,
    key_json text NOT NULL,
    is_used boolean DEFAULT false NOT NULL
);
CREATE TABLE public.federation_shards (
    shard_count integer NOT NULL,
    shard_nid integer NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.filters (
    user_id text NOT NULL,
    filter_id bigint NOT NULL,
    definition text NOT NULL
);
CREATE SEQUENCE public.history_positions
    START WITH -1
    INCREMENT BY -1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.ignored_users (
    ignored_user_id text NOT NULL,
    user_id text NOT NULL
);
CREATE TABLE public.key_backup_keys (
    backup_nid bigint NOT NULL,
    room_id text NOT NULL,
    session_id text NOT NULL,
    first_message_index bigint NOT NULL,
    forwarded_count bigint NOT NULL,
    is_verified boolean NOT NULL,
    session_data text NOT NULL
);
CREATE TABLE public.key_backup_owners (
    user_id text NOT NULL,
    last_version bigint NOT NULL
);
CREATE TABLE public.key_backups (
    backup_nid bigint NOT NULL,
    user_id text NOT NULL,
    version bigint NOT NULL,
    algorithm text NOT NULL,
    auth_data text NOT NULL,
    etag bigint DEFAULT 0 NOT NULL,
    key_count bigint DEFAULT 0 NOT NULL
);
ALTER TABLE public.key_backups ALTER COLUMN backup_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.key_backups_backup_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.media (
    origin text NOT NULL,
    media_id text NOT NULL,
    file_id text NOT NULL,
    user_id text,
    created_ts bigint NOT NULL,
    accessed_ts bigint NOT NULL,
    size bigint,
    sha256 bytea,
    content_type text,
    file_name text,
    unused_expires_ts bigint,
    is_authenticated boolean NOT NULL,
    quarantined_by text
);
CREATE TABLE public.media_images (
    origin text NOT NULL,
    media_id text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    content_type text NOT NULL,
    is_animated boolean NOT NULL
);
CREATE TABLE public.media_loose_files (
    origin text NOT NULL,
    file_id text NOT NULL,
    since_ts bigint NOT NULL,
    is_doomed boolean NOT NULL
);
CREATE TABLE public.media_thumbnails (
    origin text NOT NULL,
    media_id text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    method text NOT NULL,
    content_type text NOT NULL,
    is_animated boolean NOT NULL,
    size bigint NOT NULL
);
CREATE TABLE public.membership_changes (
    user_id text NOT NULL,
    "position" bigint NOT NULL,
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    membership text NOT NULL
);
CREATE TABLE public.one_time_keys (
    user_id text NOT NULL,
    device_id text NOT NULL,
    algorithm text NOT NULL,
    key_id text NOT NULL,
    key_json text NOT NULL,
    key_nid bigint NOT NULL,
    claimed_ts bigint
);
ALTER TABLE public.one_time_keys ALTER COLUMN key_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.one_time_keys_key_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.openid_tokens (
    token_hash bytea NOT NULL,
    user_id text NOT NULL,
    expires_ts bigint NOT NULL
);
CREATE TABLE public.out_of_band_memberships (
    room_nid bigint NOT NULL,
    user_id text NOT NULL,
    event_nid bigint NOT NULL,
    "position" bigint NOT NULL,
    via text NOT NULL,
    stripped_state text NOT NULL
);
CREATE TABLE public.outgoing_to_device (
    destination text NOT NULL,
    "position" bigint NOT NULL,
    edu text NOT NULL,
    queued_ts bigint NOT NULL
);
CREATE TABLE public.partial_events (
    place bigint NOT NULL,
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    above_nid bigint,
    told_root bigint
);
ALTER TABLE public.partial_events ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.partial_events_place_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.partial_rooms (
    room_nid bigint NOT NULL,
    event_id text NOT NULL,
    via text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_ts bigint NOT NULL
);
CREATE TABLE public.pending_redactions (
    room_nid bigint NOT NULL,
    redacts text NOT NULL,
    redaction_nid bigint NOT NULL
);
CREATE TABLE public.presence (
    user_id text NOT NULL,
    state text NOT NULL,
    status_msg text,
    last_active_ts bigint NOT NULL,
    is_currently_active boolean NOT NULL,
    "position" bigint NOT NULL,
    heard_ts bigint
);
CREATE TABLE public.profile_fields (
    user_id text NOT NULL,
    key_name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.published_rooms (
    room_nid bigint NOT NULL,
    published_ts bigint NOT NULL
);
CREATE TABLE public.purged_memberships (
    user_id text NOT NULL,
    "position" bigint NOT NULL,
    room_id text NOT NULL
);
CREATE TABLE public.purged_rooms (
    "position" bigint NOT NULL,
    room_nid bigint NOT NULL,
    room_id text NOT NULL,
    purged_ts bigint NOT NULL,
    is_swept boolean DEFAULT false NOT NULL
);
CREATE TABLE public.purged_totals (
    room_nid bigint NOT NULL,
    thread_id text NOT NULL,
    "position" bigint NOT NULL,
    totals bytea NOT NULL
);
CREATE TABLE public.push_classes (
    class_nid bigint NOT NULL,
    definition text NOT NULL
);
ALTER TABLE public.push_classes ALTER COLUMN class_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.push_classes_class_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.push_rule_versions (
    user_id text NOT NULL,
    "position" bigint NOT NULL,
    changes text NOT NULL,
    created_ts bigint NOT NULL
);
CREATE TABLE public.push_rules (
    user_id text NOT NULL,
    changes text NOT NULL
);
CREATE TABLE public.rate_limit_overrides (
    user_id text NOT NULL,
    messages_per_second double precision NOT NULL,
    burst_count double precision NOT NULL
);
CREATE TABLE public.receipts (
    room_nid bigint NOT NULL,
    user_id text NOT NULL,
    receipt_type text NOT NULL,
    thread_id text DEFAULT ''::text NOT NULL,
    event_id text NOT NULL,
    received_ts bigint NOT NULL,
    "position" bigint NOT NULL,
    event_position bigint
);
CREATE TABLE public.received_device_messages (
    origin text NOT NULL,
    message_id text NOT NULL,
    received_ts bigint NOT NULL
);
CREATE TABLE public.received_transactions (
    origin text NOT NULL,
    txn_id text NOT NULL,
    answer text NOT NULL,
    received_ts bigint NOT NULL
);
CREATE TABLE public.refresh_tokens (
    token_hash bytea NOT NULL,
    user_id text NOT NULL,
    device_id text NOT NULL,
    created_ts bigint NOT NULL,
    expires_ts bigint,
    successor_hash bytea,
    session_ends_ts bigint
);
CREATE TABLE public.registration_nonces (
    nonce text NOT NULL,
    created_ts bigint NOT NULL
);
CREATE TABLE public.registration_tokens (
    token text NOT NULL,
    uses_allowed integer,
    pending integer DEFAULT 0 NOT NULL,
    completed integer DEFAULT 0 NOT NULL,
    expires_ts bigint
);
CREATE TABLE public.relations (
    room_nid bigint NOT NULL,
    parent_event_id text NOT NULL,
    topological bigint NOT NULL,
    "position" bigint NOT NULL,
    event_nid bigint NOT NULL,
    event_id text NOT NULL,
    rel_type text NOT NULL,
    event_type text NOT NULL,
    sender text NOT NULL,
    annotation_key text,
    origin_server_ts bigint NOT NULL
);
CREATE TABLE public.remote_device_lists (
    user_id text NOT NULL,
    server_name text NOT NULL,
    list_nid bigint NOT NULL,
    seen_ids text[] DEFAULT '{}'::text[] NOT NULL,
    is_fetched boolean DEFAULT false NOT NULL,
    heard_count bigint DEFAULT 0 NOT NULL,
    heard_id text,
    due_ts bigint,
    attempts integer DEFAULT 0 NOT NULL
);
ALTER TABLE public.remote_device_lists ALTER COLUMN list_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.remote_device_lists_list_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.remote_devices (
    user_id text NOT NULL,
    device_id text NOT NULL,
    key_json text NOT NULL,
    display_name text
);
CREATE TABLE public.reports (
    report_id bigint NOT NULL,
    received_ts bigint NOT NULL,
    reporter text NOT NULL,
    room_id text,
    event_id text,
    user_id text,
    reason text,
    CONSTRAINT reports_check CHECK (((room_id IS NOT NULL) OR (user_id IS NOT NULL)))
);
ALTER TABLE public.reports ALTER COLUMN report_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reports_report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.room_aliases (
    room_nid bigint NOT NULL,
    room_alias text NOT NULL,
    creator text NOT NULL,
    created_ts bigint NOT NULL
);
CREATE TABLE public.room_members (
    room_nid bigint NOT NULL,
    user_id text NOT NULL,
    membership text NOT NULL,
    event_nid bigint NOT NULL,
    sender text NOT NULL,
    display_name text,
    avatar_url text,
    is_forgotten boolean DEFAULT false NOT NULL,
    search_name text,
    search_grams text[]
);
CREATE TABLE public.room_servers (
    room_nid bigint NOT NULL,
    server_name text NOT NULL,
    joined_count bigint NOT NULL,
    is_told boolean DEFAULT false NOT NULL
);
CREATE TABLE public.rooms (
    room_nid bigint NOT NULL,
    room_id text NOT NULL,
    room_version text NOT NULL,
    created_ts bigint NOT NULL,
    forward_extremities bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    depth_max bigint DEFAULT 0 NOT NULL,
    current_state_root bigint DEFAULT 0 NOT NULL,
    joined_count bigint DEFAULT 0 NOT NULL,
    unread_totals bytea DEFAULT '\x'::bytea NOT NULL,
    audience_nid bigint DEFAULT 0 NOT NULL,
    join_rule text,
    history_visibility text,
    has_other_servers boolean DEFAULT false NOT NULL,
    has_out_of_band boolean DEFAULT false NOT NULL,
    whole_position bigint DEFAULT 0
)
WITH (fillfactor='70');
ALTER TABLE public.rooms ALTER COLUMN room_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.rooms_room_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.search_progress (
    only_row boolean DEFAULT true NOT NULL,
    "position" bigint DEFAULT 0 NOT NULL,
    history_position bigint DEFAULT 0 NOT NULL,
    CONSTRAINT search_progress_only_row_check CHECK (only_row)
);
CREATE TABLE public.search_texts (
    room_nid bigint NOT NULL,
    event_nid bigint NOT NULL,
    key smallint NOT NULL,
    sender text NOT NULL,
    has_url boolean NOT NULL,
    sent_ts bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE TABLE public.server_key_documents (
    document_nid bigint NOT NULL,
    server_name text NOT NULL,
    document text NOT NULL,
    valid_until_ts bigint NOT NULL,
    fetched_ts bigint NOT NULL
);
ALTER TABLE public.server_key_documents ALTER COLUMN document_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.server_key_documents_document_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.server_keys (
    server_name text NOT NULL,
    key_id text NOT NULL,
    verify_key bytea NOT NULL,
    valid_until_ts bigint NOT NULL,
    is_old boolean NOT NULL,
    is_first_hand boolean NOT NULL,
    document_nid bigint NOT NULL,
    document_valid_until_ts bigint NOT NULL,
    fetched_ts bigint NOT NULL
);
CREATE TABLE public.staged_pdus (
    room_nid bigint NOT NULL,
    staged_nid bigint NOT NULL,
    event_id text NOT NULL,
    origin text NOT NULL,
    pdu text NOT NULL,
    prev_event_ids text[] NOT NULL,
    received_ts bigint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_ts bigint NOT NULL
);
ALTER TABLE public.staged_pdus ALTER COLUMN staged_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.staged_pdus_staged_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.state_keys (
    state_key_nid bigint NOT NULL,
    event_type text NOT NULL,
    state_key text NOT NULL
);
ALTER TABLE public.state_keys ALTER COLUMN state_key_nid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.state_keys_state_key_nid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE public.state_node_nids
    START WITH 1
    INCREMENT BY 1024
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.state_nodes (
    room_nid bigint NOT NULL,
    node_nid bigint NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE ONLY public.state_nodes ALTER COLUMN content SET STORAGE PLAIN;
CREATE TABLE public.stream_epoch (
    only_row boolean DEFAULT true NOT NULL,
    started_at text NOT NULL,
    timeline_id bigint NOT NULL,
    system_identifier text NOT NULL,
    CONSTRAINT stream_epoch_only_row_check CHECK (only_row)
);
CREATE SEQUENCE public.stream_positions
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.timeline (
    room_nid bigint NOT NULL,
    "position" bigint NOT NULL,
    event_nid bigint NOT NULL,
    topological bigint NOT NULL,
    current_state_root bigint NOT NULL,
    changes_nid bigint,
    parent_nid bigint,
    unread_totals bytea DEFAULT '\x'::bytea NOT NULL,
    unread_outcome bytea DEFAULT '\x'::bytea NOT NULL,
    singles_out boolean DEFAULT false NOT NULL,
    thread_id text,
    thread_totals bytea,
    is_outgoing boolean DEFAULT false NOT NULL,
    parting_server text,
    is_arrival boolean DEFAULT false NOT NULL
);
CREATE TABLE public.to_device_messages (
    user_id text NOT NULL,
    device_id text NOT NULL,
    "position" bigint NOT NULL,
    sender text NOT NULL,
    type text NOT NULL,
    content text NOT NULL,
    received_ts bigint NOT NULL
);
CREATE TABLE public.typing (
    room_nid bigint NOT NULL,
    user_id text NOT NULL,
    until_ts bigint NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.ui_auth_sessions (
    session_id text NOT NULL,
    created_ts bigint NOT NULL,
    operation text NOT NULL,
    body text NOT NULL,
    completed text DEFAULT '{}'::text NOT NULL
);
CREATE TABLE public.unread_own (
    user_id text NOT NULL,
    room_nid bigint NOT NULL,
    thread_id text NOT NULL,
    "position" bigint NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE public.unread_singled (
    room_nid bigint NOT NULL,
    "position" bigint NOT NULL,
    user_id text NOT NULL,
    thread_id text NOT NULL,
    notify smallint NOT NULL,
    highlight smallint NOT NULL
);
CREATE TABLE public.unread_threads (
    room_nid bigint NOT NULL,
    thread_id text NOT NULL,
    "position" bigint NOT NULL,
    totals bytea NOT NULL
);
CREATE TABLE public.user_signatures (
    user_id text NOT NULL,
    user_signing_key text NOT NULL,
    target_user_id text NOT NULL,
    target_key text NOT NULL,
    signature text NOT NULL,
    "position" bigint NOT NULL
);
CREATE TABLE public.users (
    user_id text NOT NULL,
    password_hash text,
    created_ts bigint NOT NULL,
    is_admin boolean DEFAULT false NOT NULL,
    is_guest boolean DEFAULT false NOT NULL,
    is_deactivated boolean DEFAULT false NOT NULL,
    appservice_id text,
    is_locked boolean DEFAULT false NOT NULL,
    is_suspended boolean DEFAULT false NOT NULL,
    search_name text DEFAULT ''::text NOT NULL,
    search_grams text[] DEFAULT '{}'::text[] NOT NULL
);
ALTER TABLE ONLY public.access_tokens
    ADD CONSTRAINT access_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.account_data
    ADD CONSTRAINT account_data_pkey PRIMARY KEY (user_id, room_id, type);
ALTER TABLE ONLY public.auth_chains
    ADD CONSTRAINT auth_chains_pkey PRIMARY KEY (room_nid, event_nid);
ALTER TABLE ONLY public.backward_extremities
    ADD CONSTRAINT backward_extremities_pkey PRIMARY KEY (room_nid, event_id);
ALTER TABLE ONLY public.branching_rooms
    ADD CONSTRAINT branching_rooms_pkey PRIMARY KEY (room_nid);
ALTER TABLE ONLY public.client_transactions
    ADD CONSTRAINT client_transactions_pkey PRIMARY KEY (user_id, device_id, scope, txn_id);
ALTER TABLE ONLY public.cross_signing_keys
    ADD CONSTRAINT cross_signing_keys_pkey PRIMARY KEY (user_id, usage);
ALTER TABLE ONLY public.current_state
    ADD CONSTRAINT current_state_pkey PRIMARY KEY (room_nid, event_type, state_key);
ALTER TABLE ONLY public.dehydrated_devices
    ADD CONSTRAINT dehydrated_devices_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.destinations
    ADD CONSTRAINT destinations_pkey PRIMARY KEY (server_name);
ALTER TABLE ONLY public.device_keys
    ADD CONSTRAINT device_keys_pkey PRIMARY KEY (user_id, device_id);
ALTER TABLE ONLY public.device_list_changes
    ADD CONSTRAINT device_list_changes_pkey PRIMARY KEY (user_id, device_id);
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (user_id, device_id);
ALTER TABLE ONLY public.doubtful_device_changes
    ADD CONSTRAINT doubtful_device_changes_pkey PRIMARY KEY (room_nid, user_id);
ALTER TABLE ONLY public.event_edges
    ADD CONSTRAINT event_edges_pkey PRIMARY KEY (room_nid, prev_event_id, event_nid);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (room_nid, event_nid);
ALTER TABLE ONLY public.fallback_keys
    ADD CONSTRAINT fallback_keys_pkey PRIMARY KEY (user_id, device_id, algorithm);
ALTER TABLE ONLY public.federation_shards
    ADD CONSTRAINT federation_shards_pkey PRIMARY KEY (shard_count, shard_nid);
ALTER TABLE ONLY public.filters
    ADD CONSTRAINT filters_pkey PRIMARY KEY (user_id, filter_id);
ALTER TABLE ONLY public.ignored_users
    ADD CONSTRAINT ignored_users_pkey PRIMARY KEY (ignored_user_id, user_id);
ALTER TABLE ONLY public.key_backup_keys
    ADD CONSTRAINT key_backup_keys_pkey PRIMARY KEY (backup_nid, room_id, session_id);
ALTER TABLE ONLY public.key_backup_owners
    ADD CONSTRAINT key_backup_owners_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.key_backups
    ADD CONSTRAINT key_backups_pkey PRIMARY KEY (backup_nid);
ALTER TABLE ONLY public.key_backups
    ADD CONSTRAINT key_backups_user_id_version_key UNIQUE (user_id, version);
ALTER TABLE ONLY public.media_images
    ADD CONSTRAINT media_images_pkey PRIMARY KEY (origin, media_id);
ALTER TABLE ONLY public.media_loose_files
    ADD CONSTRAINT media_loose_files_pkey PRIMARY KEY (origin, file_id);
ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_pkey PRIMARY KEY (origin, media_id);
ALTER TABLE ONLY public.media_thumbnails
    ADD CONSTRAINT media_thumbnails_pkey PRIMARY KEY (origin, media_id, width, height, method, content_type, is_animated);
ALTER TABLE ONLY public.membership_changes
    ADD CONSTRAINT membership_changes_pkey PRIMARY KEY (user_id, "position");
ALTER TABLE ONLY public.one_time_keys
    ADD CONSTRAINT one_time_keys_pkey PRIMARY KEY (user_id, device_id, algorithm, key_id);
ALTER TABLE ONLY public.openid_tokens
    ADD CONSTRAINT openid_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.out_of_band_memberships
    ADD CONSTRAINT out_of_band_memberships_pkey PRIMARY KEY (room_nid, user_id);
ALTER TABLE ONLY public.outgoing_to_device
    ADD CONSTRAINT outgoing_to_device_pkey PRIMARY KEY (destination, "position");
ALTER TABLE ONLY public.partial_events
    ADD CONSTRAINT partial_events_pkey PRIMARY KEY (place);
ALTER TABLE ONLY public.partial_rooms
    ADD CONSTRAINT partial_rooms_pkey PRIMARY KEY (room_nid);
ALTER TABLE ONLY public.pending_redactions
    ADD CONSTRAINT pending_redactions_pkey PRIMARY KEY (room_nid, redacts, redaction_nid);
ALTER TABLE ONLY public.presence
    ADD CONSTRAINT presence_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.profile_fields
    ADD CONSTRAINT profile_fields_pkey PRIMARY KEY (user_id, key_name);
ALTER TABLE ONLY public.published_rooms
    ADD CONSTRAINT published_rooms_pkey PRIMARY KEY (room_nid);
ALTER TABLE ONLY public.purged_memberships
    ADD CONSTRAINT purged_memberships_pkey PRIMARY KEY (user_id, "position");
ALTER TABLE ONLY public.purged_rooms
    ADD CONSTRAINT purged_rooms_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.purged_rooms
    ADD CONSTRAINT purged_rooms_room_nid_key UNIQUE (room_nid);
ALTER TABLE ONLY public.purged_totals
    ADD CONSTRAINT purged_totals_pkey PRIMARY KEY (room_nid, thread_id);
ALTER TABLE ONLY public.push_classes
    ADD CONSTRAINT push_classes_definition_key UNIQUE (definition);
ALTER TABLE ONLY public.push_classes
    ADD CONSTRAINT push_classes_pkey PRIMARY KEY (class_nid);
ALTER TABLE ONLY public.push_rule_versions
    ADD CONSTRAINT push_rule_versions_pkey PRIMARY KEY (user_id, "position");
ALTER TABLE ONLY public.push_rules
    ADD CONSTRAINT push_rules_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.rate_limit_overrides
    ADD CONSTRAINT rate_limit_overrides_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (room_nid, user_id, receipt_type, thread_id);
ALTER TABLE ONLY public.received_device_messages
    ADD CONSTRAINT received_device_messages_pkey PRIMARY KEY (origin, message_id);
ALTER TABLE ONLY public.received_transactions
    ADD CONSTRAINT received_transactions_pkey PRIMARY KEY (origin, txn_id);
ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.registration_nonces
    ADD CONSTRAINT registration_nonces_pkey PRIMARY KEY (nonce);
ALTER TABLE ONLY public.registration_tokens
    ADD CONSTRAINT registration_tokens_pkey PRIMARY KEY (token);
ALTER TABLE ONLY public.relations
    ADD CONSTRAINT relations_pkey PRIMARY KEY (room_nid, parent_event_id, topological, "position");
ALTER TABLE ONLY public.remote_device_lists
    ADD CONSTRAINT remote_device_lists_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.remote_devices
    ADD CONSTRAINT remote_devices_pkey PRIMARY KEY (user_id, device_id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT reports_pkey PRIMARY KEY (report_id);
ALTER TABLE ONLY public.room_aliases
    ADD CONSTRAINT room_aliases_pkey PRIMARY KEY (room_alias);
ALTER TABLE ONLY public.room_members
    ADD CONSTRAINT room_members_pkey PRIMARY KEY (room_nid, user_id);
ALTER TABLE ONLY public.room_servers
    ADD CONSTRAINT room_servers_pkey PRIMARY KEY (room_nid, server_name);
ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_pkey PRIMARY KEY (room_nid);
ALTER TABLE ONLY public.rooms
    ADD CONSTRAINT rooms_room_id_key UNIQUE (room_id);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.search_progress
    ADD CONSTRAINT search_progress_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.search_texts
    ADD CONSTRAINT search_texts_pkey PRIMARY KEY (room_nid, event_nid);
ALTER TABLE ONLY public.server_key_documents
    ADD CONSTRAINT server_key_documents_pkey PRIMARY KEY (document_nid);
ALTER TABLE ONLY public.server_keys
    ADD CONSTRAINT server_keys_pkey PRIMARY KEY (server_name, key_id);
ALTER TABLE ONLY public.staged_pdus
    ADD CONSTRAINT staged_pdus_pkey PRIMARY KEY (room_nid, event_id);
ALTER TABLE ONLY public.state_keys
    ADD CONSTRAINT state_keys_event_type_state_key_key UNIQUE (event_type, state_key);
ALTER TABLE ONLY public.state_keys
    ADD CONSTRAINT state_keys_pkey PRIMARY KEY (state_key_nid);
ALTER TABLE ONLY public.state_nodes
    ADD CONSTRAINT state_nodes_pkey PRIMARY KEY (room_nid, node_nid);
ALTER TABLE ONLY public.stream_epoch
    ADD CONSTRAINT stream_epoch_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY public.timeline
    ADD CONSTRAINT timeline_pkey PRIMARY KEY (room_nid, "position");
ALTER TABLE ONLY public.to_device_messages
    ADD CONSTRAINT to_device_messages_pkey PRIMARY KEY (user_id, device_id, "position");
ALTER TABLE ONLY public.typing
    ADD CONSTRAINT typing_pkey PRIMARY KEY (room_nid, user_id);
ALTER TABLE ONLY public.ui_auth_sessions
    ADD CONSTRAINT ui_auth_sessions_pkey PRIMARY KEY (session_id);
ALTER TABLE ONLY public.unread_own
    ADD CONSTRAINT unread_own_pkey PRIMARY KEY (room_nid, user_id, thread_id);
ALTER TABLE ONLY public.unread_singled
    ADD CONSTRAINT unread_singled_pkey PRIMARY KEY (room_nid, "position", user_id);
ALTER TABLE ONLY public.unread_threads
    ADD CONSTRAINT unread_threads_pkey PRIMARY KEY (room_nid, thread_id);
ALTER TABLE ONLY public.user_signatures
    ADD CONSTRAINT user_signatures_pkey PRIMARY KEY (user_id, target_user_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);
CREATE INDEX access_tokens_device ON public.access_tokens USING btree (user_id, device_id);
CREATE INDEX access_tokens_expired ON public.access_tokens USING btree (expires_ts) WHERE (expires_ts IS NOT NULL);
CREATE UNIQUE INDEX account_data_position ON public.account_data USING btree ("position");
CREATE INDEX account_data_room ON public.account_data USING btree (room_id) WHERE (room_id <> ''::text);
CREATE INDEX account_data_user ON public.account_data USING btree (user_id, "position");
CREATE INDEX backward_extremities_depth ON public.backward_extremities USING btree (room_nid, depth);
CREATE INDEX branching_rooms_due ON public.branching_rooms USING btree (due_ts);
CREATE INDEX changed_events_changed ON public.changed_events USING btree (changed_ts);
CREATE UNIQUE INDEX changed_events_position ON public.changed_events USING btree ("position");
CREATE INDEX changed_events_room ON public.changed_events USING btree (room_nid);
CREATE INDEX client_transactions_created ON public.client_transactions USING btree (created_ts);
CREATE INDEX current_state_avatar ON public.current_state USING btree (room_nid) WHERE (event_type = 'm.room.avatar'::text);
CREATE INDEX current_state_retention ON public.current_state USING btree (room_nid) WHERE (event_type = 'm.room.retention'::text);
CREATE INDEX destinations_retry ON public.destinations USING btree (retry_ts);
CREATE INDEX device_list_changes_gone ON public.device_list_changes USING btree (gone_ts) WHERE (gone_ts IS NOT NULL);
CREATE UNIQUE INDEX device_list_changes_position ON public.device_list_changes USING btree ("position");
CREATE INDEX events_came ON public.events USING btree (room_nid, came_ts, event_nid) WHERE (came_ts IS NOT NULL);
CREATE UNIQUE INDEX events_event_id ON public.events USING btree (event_id, room_nid);
CREATE INDEX events_redacted ON public.events USING btree (redacted_ts) WHERE (redacted_ts IS NOT NULL);
CREATE INDEX events_time ON public.events USING btree (room_nid, origin_server_ts, event_nid);
CREATE INDEX ignored_users_user ON public.ignored_users USING btree (user_id);
CREATE INDEX media_of_user ON public.media USING btree (user_id, created_ts) WHERE (user_id IS NOT NULL);
CREATE INDEX media_promised ON public.media USING btree (user_id, unused_expires_ts) WHERE (size IS NULL);
CREATE INDEX media_unasked_of_others ON public.media USING btree (accessed_ts) WHERE ((user_id IS NULL) AND (size IS NOT NULL) AND (quarantined_by IS NULL));
CREATE INDEX media_unasked_of_ours ON public.media USING btree (accessed_ts) WHERE ((user_id IS NOT NULL) AND (size IS NOT NULL) AND (quarantined_by IS NULL));
CREATE INDEX media_unused ON public.media USING btree (unused_expires_ts) WHERE (size IS NULL);
CREATE INDEX membership_changes_position ON public.membership_changes USING btree ("position");
CREATE INDEX membership_changes_room ON public.membership_changes USING btree (room_nid, user_id, "position");
CREATE INDEX one_time_keys_claimed ON public.one_time_keys USING btree (claimed_ts) WHERE (claimed_ts IS NOT NULL);
CREATE INDEX one_time_keys_waiting ON public.one_time_keys USING btree (user_id, device_id, algorithm, key_nid) WHERE (claimed_ts IS NULL);
CREATE INDEX openid_tokens_expires ON public.openid_tokens USING btree (expires_ts);
CREATE UNIQUE INDEX out_of_band_memberships_position ON public.out_of_band_memberships USING btree ("position");
CREATE UNIQUE INDEX outgoing_to_device_position ON public.outgoing_to_device USING btree ("position");
CREATE INDEX outgoing_to_device_queued ON public.outgoing_to_device USING btree (queued_ts);
CREATE INDEX partial_events_room ON public.partial_events USING btree (room_nid, place);
CREATE INDEX partial_rooms_due ON public.partial_rooms USING btree (due_ts);
CREATE INDEX presence_heard ON public.presence USING btree (heard_ts) WHERE ((heard_ts IS NOT NULL) AND (state <> 'offline'::text));
CREATE UNIQUE INDEX presence_position ON public.presence USING btree ("position");
CREATE INDEX presence_present ON public.presence USING btree (user_id) WHERE (state <> 'offline'::text);
CREATE INDEX purged_memberships_position ON public.purged_memberships USING btree ("position");
CREATE INDEX purged_rooms_unswept ON public.purged_rooms USING btree (purged_ts) WHERE (NOT is_swept);
CREATE UNIQUE INDEX receipts_position ON public.receipts USING btree ("position");
CREATE INDEX receipts_room ON public.receipts USING btree (room_nid, "position");
CREATE INDEX received_device_messages_received ON public.received_device_messages USING btree (received_ts);
CREATE INDEX received_transactions_received ON public.received_transactions USING btree (received_ts);
CREATE INDEX refresh_tokens_device ON public.refresh_tokens USING btree (user_id, device_id);
CREATE INDEX refresh_tokens_expired ON public.refresh_tokens USING btree (expires_ts) WHERE (expires_ts IS NOT NULL);
CREATE INDEX refresh_tokens_successor ON public.refresh_tokens USING btree (successor_hash);
CREATE INDEX registration_nonces_created ON public.registration_nonces USING btree (created_ts);
CREATE INDEX relations_sender ON public.relations USING btree (room_nid, sender, parent_event_id);
CREATE INDEX relations_threads ON public.relations USING btree (room_nid, topological, "position") WHERE (rel_type = 'm.thread'::text);
CREATE INDEX remote_device_lists_due ON public.remote_device_lists USING btree (due_ts) WHERE (due_ts IS NOT NULL);
CREATE INDEX remote_device_lists_waiting ON public.remote_device_lists USING btree (server_name, due_ts) WHERE (due_ts IS NOT NULL);
CREATE INDEX room_aliases_room ON public.room_aliases USING btree (room_nid, room_alias);
CREATE INDEX room_members_search ON public.room_members USING gin (search_grams) WHERE ((membership = 'join'::text) AND (search_grams IS NOT NULL));
CREATE INDEX room_members_user ON public.room_members USING btree (user_id, membership);
CREATE INDEX room_servers_server ON public.room_servers USING btree (server_name, room_nid);
CREATE INDEX search_texts_words ON public.search_texts USING gin (words);
CREATE INDEX server_key_documents_of_server ON public.server_key_documents USING btree (server_name, fetched_ts);
CREATE INDEX staged_pdus_due ON public.staged_pdus USING btree (due_ts, room_nid);
CREATE INDEX staged_pdus_origin ON public.staged_pdus USING btree (origin);
CREATE INDEX timeline_arrivals ON public.timeline USING btree ("position") WHERE is_arrival;
CREATE INDEX timeline_history ON public.timeline USING btree (room_nid, topological, "position");
CREATE INDEX timeline_outgoing ON public.timeline USING btree ("position") WHERE is_outgoing;
CREATE INDEX timeline_outgoing_room ON public.timeline USING btree (room_nid, "position") WHERE is_outgoing;
CREATE INDEX timeline_parting ON public.timeline USING btree (parting_server, "position") WHERE (parting_server IS NOT NULL);
CREATE UNIQUE INDEX timeline_position ON public.timeline USING btree ("position");
CREATE INDEX timeline_threads ON public.timeline USING btree (room_nid, thread_id, "position") WHERE (thread_id IS NOT NULL);
CREATE INDEX to_device_messages_position ON public.to_device_messages USING btree ("position");
CREATE INDEX to_device_messages_received ON public.to_device_messages USING btree (received_ts);
CREATE UNIQUE INDEX typing_position ON public.typing USING btree ("position");
CREATE INDEX typing_until ON public.typing USING btree (until_ts) WHERE (until_ts > 0);
CREATE INDEX ui_auth_sessions_created ON public.ui_auth_sessions USING btree (created_ts);
CREATE INDEX unread_singled_user ON public.unread_singled USING btree (user_id, room_nid, thread_id, "position");
CREATE INDEX unread_threads_position ON public.unread_threads USING btree (room_nid, "position");
CREATE UNIQUE INDEX user_signatures_position ON public.user_signatures USING btree ("position");
CREATE INDEX users_deactivated ON public.users USING btree (user_id) WHERE is_deactivated;
CREATE INDEX users_search ON public.users USING gin (search_grams);
ALTER TABLE ONLY public.access_tokens
    ADD CONSTRAINT access_tokens_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.dehydrated_devices
    ADD CONSTRAINT dehydrated_devices_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.device_keys
    ADD CONSTRAINT device_keys_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id);
ALTER TABLE ONLY public.fallback_keys
    ADD CONSTRAINT fallback_keys_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.key_backup_owners
    ADD CONSTRAINT key_backup_owners_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(user_id);
ALTER TABLE ONLY public.key_backups
    ADD CONSTRAINT key_backups_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.key_backup_owners(user_id);
ALTER TABLE ONLY public.media_images
    ADD CONSTRAINT media_images_origin_media_id_fkey FOREIGN KEY (origin, media_id) REFERENCES public.media(origin, media_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.media_thumbnails
    ADD CONSTRAINT media_thumbnails_origin_media_id_fkey FOREIGN KEY (origin, media_id) REFERENCES public.media(origin, media_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.one_time_keys
    ADD CONSTRAINT one_time_keys_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.refresh_tokens
    ADD CONSTRAINT refresh_tokens_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.remote_devices
    ADD CONSTRAINT remote_devices_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.remote_device_lists(user_id) ON DELETE CASCADE;
ALTER TABLE ONLY public.to_device_messages
    ADD CONSTRAINT to_device_messages_user_id_device_id_fkey FOREIGN KEY (user_id, device_id) REFERENCES public.devices(user_id, device_id) ON DELETE CASCADE;
